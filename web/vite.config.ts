import { defineConfig } from 'vitest/config'
import { budget } from './budget.ts'

// `npm run dev` serves the sources and leaves everything else to a running stack.
const edge = process.env.TIDEMARK_EDGE_ADDRESS ?? 'http://127.0.0.1:8080'

/** Stubs that only some pages call: those about the data, of insights, of reports, and of both of these. */
const DATA = 'schema|rule|letter|window|pipeline|retention'
const INSIGHTS = 'forecast|model|feature'
const REPORTS = 'report|edition|schedule|delivery|httpbody'
const WORK = 'insight|alert|operations?'

export default defineConfig({
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // The pages share most of what they are made of, and compress better together. Signing in needs the first only; what is
        // about the data itself, insights or reports comes when somebody goes there.
        codeSplitting: {
          groups: [
            {
              name: 'base',
              test: RegExp(
                `node_modules.(?!uplot)|oxc-project|src.app|src.gen(?!.*(${DATA}|${INSIGHTS}|${REPORTS}|${WORK})_pb)|client.transport`,
              ),
              priority: 2,
            },
            {
              name: 'pages',
              test: /uplot|src.(model|client|tiles|page|explorer|dashboard|home|live)/,
              priority: 1,
            },
            {
              name: 'common',
              test: RegExp(`src.common|src.insights.model.(words|alert)|src.gen.*(${WORK})_pb`),
              priority: 1,
            },
            {
              name: 'data',
              test: RegExp(`src.data|src.gen.*(${DATA})_pb`),
              priority: 0,
            },
            {
              name: 'insights',
              test: RegExp(`src.insights|src.gen.*(${INSIGHTS})_pb`),
              priority: 0,
            },
            {
              name: 'reports',
              test: RegExp(`src.reports|src.gen.*(${REPORTS})_pb`),
              priority: 0,
            },
          ],
        },
      },
    },
  },
  plugins: [budget({ data: 60, insights: 60, reports: 60, common: 20 }, 150)],
  server: { proxy: { '^/(session|v1/|tidemark\\.v1\\.)': { target: edge } } },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'], setupFiles: 'test/setup.ts' },
})
