import { type AddressInfo, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Server of mail, with what it has taken. */
export interface MailServer {
  port: number
  /** Accepted mails: recipients, and the text with its headers. */
  taken: { to: string[]; text: string }[]
  /** Logins that were tried, as `user:password`. */
  logins: string[]
  /** Answers that come next instead of the usual ones, by the command they answer; `cut` closes, `hang` is silent. */
  troubles: { command: string; answer: string }[]
  close(): Promise<void>
}

/** Starts a server that speaks SMTP (RFC 5321) with AUTH PLAIN, without TLS. It ends with the test. */
export async function serveMail(): Promise<MailServer> {
  const found = { taken: [] as MailServer['taken'], logins: [] as string[], troubles: [] as MailServer['troubles'] }
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    converse(socket, found)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
  onTestFinished(close)
  return { ...found, port: (server.address() as AddressInfo).port, close }
}

const USUAL: Record<string, string> = {
  EHLO: '250-localhost\r\n250 AUTH PLAIN',
  AUTH: '235 welcome',
  MAIL: '250 ok',
  RCPT: '250 ok',
  DATA: '354 go on',
  END: '250 taken',
  QUIT: '221 bye',
}

function converse(
  socket: Socket,
  { taken, logins, troubles }: Pick<MailServer, 'taken' | 'logins' | 'troubles'>,
): void {
  let [rest, text, isInData] = ['', '', false]
  let to: string[] = []
  const answer = (command: string): boolean => {
    const at = troubles.findIndex(trouble => trouble.command === command)
    const said = at < 0 ? (USUAL[command] ?? '502 what?') : (troubles.splice(at, 1)[0]?.answer as string)
    if (said === 'cut') socket.destroy()
    else if (said !== 'hang') socket.write(`${said}\r\n`)
    return /^[23]/.test(said)
  }
  const takeLine = (line: string) => {
    if (isInData) {
      if (line !== '.') text += `${line}\n`
      else {
        isInData = false
        if (answer('END')) taken.push({ to, text })
      }
      return
    }
    const command = line.slice(0, 4).toUpperCase()
    const isTaken = answer(command)
    if (command === 'AUTH') {
      const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
        .toString()
        .split('\0')
      logins.push(`${user}:${password}`)
    }
    if (command === 'MAIL') [to, text] = [[], '']
    if (command === 'RCPT' && isTaken) to.push(/<(.*)>/.exec(line)?.[1] ?? '')
    if (command === 'DATA' && isTaken) isInData = true
  }
  socket.setEncoding('utf8').on('data', part => {
    const lines = (rest + part).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) takeLine(line)
  })
  socket.write('220 localhost\r\n')
}
