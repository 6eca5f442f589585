/** Finds the parts of JSON text without parsing it as a whole, so that each part keeps its text. */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a

/**
 * Parses JSON. NaN, Infinity and -Infinity, which Python writes without quotes, are read as text, which is not a number.
 *
 * @throws SyntaxError when the text is not JSON
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error
    return JSON.parse(withQuotedNonNumbers(text))
  }
}

/** Returns true when text is JSON, as parseJson reads it. */
export function isJson(text: string): boolean {
  try {
    parseJson(text)
    return true
  } catch {
    return false
  }
}

/**
 * Splits a sequence of JSON objects and arrays with nothing but white space between them. Returns null for other text.
 * The documents are balanced, but not checked otherwise.
 */
export function documentsIn(text: string, most: number): string[] | null {
  const documents: string[] = []
  for (let at = behindSpace(text, 0); at < text.length; ) {
    const end = endOfContainer(text, at)
    if (end === -1 || documents.length === most) return null
    documents.push(text.slice(at, end))
    at = behindSpace(text, end)
  }
  return documents.length > 0 ? documents : null
}

/** Splits an array of objects into their texts. Returns null for anything else, also for an empty array. */
export function elementsOf(text: string, most: number): string[] | null {
  let at = behindSpace(text, 0)
  if (text[at] !== '[') return null
  const elements: string[] = []
  do {
    at = behindSpace(text, at + 1)
    const end = text[at] === '{' ? endOfContainer(text, at) : -1
    if (end === -1 || elements.length === most) return null
    elements.push(text.slice(at, end))
    at = behindSpace(text, end)
  } while (text[at] === ',')
  return text[at] === ']' && behindSpace(text, at + 1) === text.length ? elements : null
}

/** Returns the text of a field's object or array in the text of a valid JSON object. Of repeated names the last counts. */
export function fieldText(text: string, name: string): string | null {
  let found: string | null = null
  for (let at = text.indexOf('{') + 1; ; at++) {
    at = behindSpace(text, at)
    if (text.charCodeAt(at) !== QUOTE) return found
    const keyEnd = endOfString(text, at) + 1
    const isNamed = JSON.parse(text.slice(at, keyEnd)) === name
    const start = behindSpace(text, behindSpace(text, keyEnd) + 1)
    at = endOfValue(text, start)
    if (isNamed) found = text.slice(start, at)
    at = behindSpace(text, at)
    if (text[at] !== ',') return found
  }
}

function endOfValue(text: string, start: number): number {
  const first = text[start]
  if (first === '{' || first === '[') return endOfContainer(text, start)
  if (first === '"') return endOfString(text, start) + 1
  let at = start
  while (at < text.length && !',}]'.includes(text[at] as string)) at++
  return at
}

/** Returns the index behind the object or array that begins at `start`; -1 when none begins or it does not end. */
function endOfContainer(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      at = endOfString(text, at)
      if (at === -1) return -1
    } else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') depth--
    if (depth === 0) return at > start ? at + 1 : -1
  }
  return -1
}

/** Returns the index of the quote that ends the text in quotes at `start`; -1 when none does in that line. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at
    if (code === NEWLINE) return -1
    if (code === BACKSLASH) at++
  }
  return -1
}

function behindSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && ' \t\r\n'.includes(text[at] as string)) at++
  return at
}

function withQuotedNonNumbers(text: string): string {
  let quoted = ''
  for (let at = 0; ; ) {
    const start = text.indexOf('"', at)
    const outside = start === -1 ? text.slice(at) : text.slice(at, start)
    quoted += outside.replace(/-?\b(?:NaN|Infinity)\b/g, '"$&"')
    const end = start === -1 ? -1 : endOfString(text, start)
    if (end === -1) return start === -1 ? quoted : quoted + text.slice(start)
    quoted += text.slice(start, end + 1)
    at = end + 1
  }
}
