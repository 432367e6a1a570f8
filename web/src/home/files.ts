import type { Dashboard } from '../gen/tidemark/v1/dashboard_pb'

/** The last part of a dashboard's name. */
export function idOf(dashboard: Dashboard): string {
  return dashboard.name.slice(dashboard.name.lastIndexOf('/') + 1)
}

/** Gives the reader a file. */
export function download(name: string, type: string, content: BlobPart): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([content], { type }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}
