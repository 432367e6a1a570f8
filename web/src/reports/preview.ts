import { clone, equals } from '@bufbuild/protobuf'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { givenUp, problem } from '../client/problem'
import { type Report, ReportSchema } from '../gen/tidemark/v1/report_pb'
import { reports } from './clients'
import { type Parts, fill, parts } from './frame'

/** So long after a change a report is built, in milliseconds: people change several things in a row. */
const PAUSE = 700
/** So long after a server was too busy it is asked again, in milliseconds. */
const AGAIN = 3_000

/** A report as it would be now, as it is being edited.
 *
 * The page that the server builds stands in a frame in whose sandbox nothing runs, and which inherits the policy of this page. That
 * allows no inline styles, and is to stay so: the sheets of the report are given to the frame by CSSOM, which the policy leaves to our
 * own scripts. For that the frame is of our origin, which is safe while nothing runs in it. */
@customElement('tm-report-preview')
export class Preview extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false, hasChanged: differ }) report!: Report
  /** Only this section; all when empty. */
  @property() section = ''
  @state() private built?: Parts
  @state() private failure = ''
  @state() private busy = false
  @query('iframe') private frame?: HTMLIFrameElement

  private timer?: ReturnType<typeof setTimeout>
  private asking?: AbortController

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        grid-template-rows: auto minmax(0, 1fr);
        gap: var(--space-2);
        min-height: 0;
      }
      iframe {
        width: 100%;
        height: 100%;
        min-height: 320px;
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
        background: var(--surface);
      }
      iframe.old {
        opacity: 0.55;
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
    this.asking?.abort()
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (!changed.has('report') && !changed.has('section')) return
    clearTimeout(this.timer)
    this.asking?.abort()
    this.busy = true
    this.timer = setTimeout(() => void this.build(), this.built ? PAUSE : 0)
  }

  override render() {
    const { built, busy, failure } = this
    return html`
      ${
        failure
          ? html`<p class="notice" role="status">${failure}</p>`
          : html`<p class="muted small" role="status">${busy ? 'Building it…' : 'As it would be now; tables are cut at 50 rows.'}</p>`
      }
      ${
        built
          ? html`<iframe
              class=${busy || failure ? 'old' : ''}
              sandbox="allow-same-origin"
              title="Preview of the report"
              srcdoc="<!doctype html>"
              @load=${this.fill}
            ></iframe>`
          : nothing
      }
    `
  }

  private async build() {
    const asking = (this.asking = new AbortController())
    const { report, section: sectionId } = this
    const request = {
      parent: this.session.project,
      source: { case: 'report' as const, value: clone(ReportSchema, report) },
      sectionId,
    }
    try {
      const { html: text } = await reports.previewReport(request, { signal: asking.signal })
      this.built = parts(text)
      this.fill()
      this.failure = ''
    } catch (error) {
      if (asking.signal.aborted || givenUp(error)) return
      const { text, passing } = problem(error)
      this.failure = text
      if (passing) this.timer = setTimeout(() => void this.build(), AGAIN)
    }
    this.busy = false
  }

  private fill = () => {
    if (this.frame && this.built) fill(this.frame, this.built)
  }
}

function differ(one: Report, other: Report | undefined): boolean {
  return !other || !equals(ReportSchema, one, other)
}
