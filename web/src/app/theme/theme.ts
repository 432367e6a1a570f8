/** The theme of the page: the reader's choice, kept in the browser, or else the system's. Pure drawings on a canvas listen to
 * `tm-theme` on the document and read their colours anew by `token`. */

export type Choice = 'system' | 'light' | 'dark'

const KEY = 'tidemark-theme'
const dark = matchMedia('(prefers-color-scheme: dark)')

/** What the reader has chosen. */
export function choice(): Choice {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

/** The theme in force. */
export function theme(): 'light' | 'dark' {
  const chosen = choice()
  return chosen === 'system' ? (dark.matches ? 'dark' : 'light') : chosen
}

/** Keeps a choice and applies it. */
export function choose(chosen: Choice): void {
  if (chosen === 'system') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, chosen)
  apply()
}

/** Writes the theme to the root element; called once at the start, and whenever it changes. */
export function apply(): void {
  document.documentElement.dataset.theme = theme()
  document.dispatchEvent(new CustomEvent('tm-theme'))
}

/** Applies the theme now and follows the system. */
export function start(): void {
  apply()
  dark.addEventListener('change', apply)
}

/** The value of a design token in force, as in `token('--c1')`. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}
