/** Line of a sample: its name, its labels and its value. */
const SAMPLE =
  /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.]+(?:e[+-]?\d+)?|[+-]Inf|Nan|NaN)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"/g
const COMMENT = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/**
 * Reads a text in Prometheus' format, version 0.0.4.
 *
 * @throws Error for a line that the format does not have
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function scraped(text: string) {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const types = new Map<string, string>()
  const samples: Sample[] = []
  for (const line of text.split('\n').filter(each => each !== '')) {
    const [, kind, of = '', said = ''] = COMMENT.exec(line) ?? []
    if (kind === 'TYPE') types.set(of, said)
    if (kind) continue
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
    if (name === undefined) throw new Error(`no line of a sample: ${line}`)
    const pairs = Array.from(labels.matchAll(LABEL), ([, label, content]) => [label, content] as const)
    samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value?.replace('Inf', 'Infinity')) })
  }
  const of = (name: string, labels: Record<string, string> = {}) =>
    samples.filter(
      sample =>
        sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
  return {
    types,
    of,
    /** Value of the first sample with these labels; undefined when there is none. */
    value: (name: string, labels?: Record<string, string>): number | undefined => of(name, labels)[0]?.value,
  }
}
