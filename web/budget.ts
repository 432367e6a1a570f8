import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Fails a build whose scripts, all of them together, are larger than so many kilobytes in gzip. */
export function budget(kilobytes: number): Plugin {
  return {
    name: 'budget',
    generateBundle(_options, bundle) {
      const scripts = Object.values(bundle).filter(file => file.type === 'chunk')
      const bytes = scripts.reduce((sum, script) => sum + gzipSync(script.code, { level: 9 }).length, 0)
      const size = `${(bytes / 1000).toFixed(1)} kB of script in gzip`
      if (bytes > kilobytes * 1000) this.error(`${size}; at most ${kilobytes} kB are allowed`)
      this.info(`${size}, ${kilobytes} kB allowed`)
    },
  }
}
