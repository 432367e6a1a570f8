/** Texts that should be JSON, and may be anything, as people read them. */

/** With a line for each field; what is no JSON stays as it is. */
export function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** What tells one event from another on one line: its properties, or all of the text where there are none. */
export function brief(text: string): string {
  try {
    const { properties } = JSON.parse(text) as { properties?: unknown }
    return properties ? JSON.stringify(properties) : text
  } catch {
    return text
  }
}
