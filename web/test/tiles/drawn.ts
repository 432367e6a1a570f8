/** Elements as they stand in a page. */
import type { LitElement } from 'lit'

/** Puts an element with these properties into the page and waits until it is drawn. */
export async function drawn<E extends LitElement>(name: string, properties: Partial<E>): Promise<E> {
  const element = Object.assign(document.createElement(name) as E, properties)
  document.body.replaceChildren(element)
  await element.updateComplete
  return element
}

/** The first element of its inside that fits. */
export function find<E extends Element = HTMLElement>(element: Element, selector: string): E {
  const found = element.shadowRoot?.querySelector<E>(selector)
  if (!found) throw new Error(`there is no ${selector} in <${element.localName}>`)
  return found
}

/** All that fit. */
export function all<E extends Element = HTMLElement>(element: Element, selector: string): E[] {
  return [...(element.shadowRoot?.querySelectorAll<E>(selector) ?? [])]
}

/** The texts within an element, with a space between any two. */
export function text(element: Element | null): string {
  const texts: string[] = []
  const walk = (node: Node) => {
    if (node.nodeType === Node.TEXT_NODE) texts.push(node.textContent ?? '')
    else node.childNodes.forEach(walk)
  }
  if (element) walk(element)
  return texts.join(' ').replace(/\s+/g, ' ').trim()
}

/** What the next event of a name says. */
export function heard<T>(element: Element, name: string): Promise<T> {
  return new Promise(resolve =>
    element.addEventListener(name, event => resolve((event as CustomEvent<T>).detail), { once: true }),
  )
}
