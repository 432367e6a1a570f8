import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Fails a build whose scripts are larger in gzip than so many kilobytes: those named in `parts`, which come when they are needed,
 * and all the others together. */
export function budget(parts: Record<string, number>, kilobytes: number): Plugin {
  return {
    name: 'budget',
    generateBundle(_options, bundle) {
      const sizes: Record<string, number> = {}
      for (const script of Object.values(bundle)) {
        if (script.type !== 'chunk') continue
        const part = script.name in parts ? script.name : ''
        sizes[part] = (sizes[part] ?? 0) + gzipSync(script.code, { level: 9 }).length
      }
      for (const [part, bytes] of Object.entries(sizes)) {
        const allowed = parts[part] ?? kilobytes
        const size = `${(bytes / 1000).toFixed(1)} kB of script${part && ` in ${part}`} in gzip`
        if (bytes > allowed * 1000) this.error(`${size}; at most ${allowed} kB are allowed`)
        this.info(`${size}, ${allowed} kB allowed`)
      }
    },
  }
}
