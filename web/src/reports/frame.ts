/** The page of a report in a frame: its text comes in, and stands in the frame without anything of it having run. */

export type Parts = { page: Document; styles: string[] }

/** A page without its styles, and these by themselves. Links into itself stay in a frame with a `srcdoc`; others lead nowhere. */
export function parts(text: string): Parts {
  // They are taken out before it is parsed: the parser would complain of what the policy forbids.
  const styles: string[] = []
  const bare = text.replace(/<style>([^<]*)<\/style>/g, (_, style: string) => {
    styles.push(style)
    return ''
  })
  const page = new DOMParser().parseFromString(bare, 'text/html')
  for (const link of page.querySelectorAll('a[href]')) {
    const target = link.getAttribute('href')!
    if (target.startsWith('#')) link.setAttribute('href', `about:srcdoc${target}`)
    else link.removeAttribute('href')
  }
  return { page, styles }
}

/** Shows a page in a frame in place of what is there, where readers have scrolled to. */
export function fill(
  { contentDocument: inside, contentWindow }: HTMLIFrameElement,
  { page, styles }: Parts,
): void {
  if (!inside || !contentWindow) return
  const within = contentWindow as Window & typeof globalThis
  const { scrollX, scrollY } = within
  inside.replaceChild(inside.importNode(page.documentElement, true), inside.documentElement)
  inside.adoptedStyleSheets = styles.map(text => {
    const sheet = new within.CSSStyleSheet()
    sheet.replaceSync(text)
    return sheet
  })
  within.scrollTo(scrollX, scrollY)
}
