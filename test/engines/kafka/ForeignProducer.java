import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

/** Somebody else's producer, with the Java client: `java -cp JARS ForeignProducer.java TASK BROKERS TOPIC`. */
public class ForeignProducer {
    /** Nobody's clock: what the records say of themselves must not count. */
    private static final long PRODUCERS_TIME_MS = 1_000_000L;

    public static void main(String[] arguments) throws Exception {
        String brokers = arguments[1];
        String topic = arguments[2];
        switch (arguments[0]) {
            case "codecs" -> sendWithEveryCodec(brokers, topic);
            case "transactions" -> sendTransactions(brokers, topic);
            case "unstamped" -> sendOneBatch(brokers, topic);
            case "open-transaction" -> leaveTransactionOpen(brokers, topic);
            case "keys" -> printPartitionsOfKeys(brokers, topic);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static KafkaProducer<String, String> producer(String brokers, String setting, String value) {
        return new KafkaProducer<>(
            Map.of("bootstrap.servers", brokers, "acks", "all", "batch.size", "65536", setting, value),
            new StringSerializer(),
            new StringSerializer());
    }

    private static ProducerRecord<String, String> record(String topic, String value) {
        return new ProducerRecord<>(topic, 0, PRODUCERS_TIME_MS, null, value);
    }

    private static void sendWithEveryCodec(String brokers, String topic) {
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
            try (var producer = producer(brokers, "compression.type", codec)) {
                for (int n = 0; n < 100; n++) producer.send(record(topic, codec + " " + n + " ".repeat(n * 10)));
            }
        }
    }

    private static void sendTransactions(String brokers, String topic) {
        try (var one = producer(brokers, "transactional.id", "one");
                var other = producer(brokers, "transactional.id", "other")) {
            one.initTransactions();
            other.initTransactions();
            other.beginTransaction();
            send(other, topic, "committed 0");
            for (int n = 0; n < 3; n++) {
                one.beginTransaction();
                send(one, topic, "aborted " + n);
                send(other, topic, "committed " + (n + 1));
                // More than one fetch between a transaction's records and its end.
                for (int filler = 0; filler < 20; filler++) send(one, topic, "aborted " + "x".repeat(100_000));
                one.abortTransaction();
            }
            one.beginTransaction();
            send(one, topic, "committed 4");
            one.commitTransaction();
            other.commitTransaction();
        }
    }

    /** Three records in one batch, with the producer's time. */
    private static void sendOneBatch(String brokers, String topic) {
        try (var producer = producer(brokers, "linger.ms", "60000")) {
            for (int n = 0; n < 3; n++) producer.send(record(topic, "unstamped " + n));
            producer.flush();
        }
    }

    /** Aborts when its standard input ends. */
    private static void leaveTransactionOpen(String brokers, String topic) throws Exception {
        try (var producer = producer(brokers, "transactional.id", "left-open")) {
            producer.initTransactions();
            producer.beginTransaction();
            send(producer, topic, "aborted");
            System.in.readAllBytes();
            producer.abortTransaction();
        }
    }

    private static void send(KafkaProducer<String, String> producer, String topic, String value) {
        producer.send(record(topic, value));
        producer.flush();
    }

    private static void printPartitionsOfKeys(String brokers, String topic) throws Exception {
        try (var producer = producer(brokers, "linger.ms", "0")) {
            for (int n = 0; n < 300; n++) {
                String key = n % 3 == 0 ? "forêt-" + "x".repeat(n / 3) : "key-" + n;
                Future<RecordMetadata> sent = producer.send(new ProducerRecord<>(topic, key, ""));
                System.out.println(sent.get().partition() + " " + key);
            }
        }
    }
}
