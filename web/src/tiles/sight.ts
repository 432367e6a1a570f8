/** Tells elements whether they are on the screen, or nearly; one observer watches all of them. */

const heard = new WeakMap<Element, (seen: boolean) => void>()

const observer = new IntersectionObserver(
  entries => {
    for (const entry of entries) heard.get(entry.target)?.(entry.isIntersecting)
  },
  { rootMargin: '160px' },
)

/** Calls `hear` whenever an element comes into sight or leaves it. */
export function watchSight(element: Element, hear: (seen: boolean) => void): void {
  heard.set(element, hear)
  observer.observe(element)
}

/** Ends that. */
export function unwatchSight(element: Element): void {
  observer.unobserve(element)
  heard.delete(element)
}
