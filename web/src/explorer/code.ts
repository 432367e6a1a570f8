import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'
import { queries } from '../client/transport'
import type { Query } from '../gen/tidemark/v1/question_pb'
import { curl, python } from '../model/code'

const FORMS = ['Python', 'curl', 'SQL'] as const
type Form = (typeof FORMS)[number]

/** Shows a question as Python, as a request for curl, and as the SQL that answers it, to be copied. Opened by `show()`. */
@customElement('tm-code')
export class Code extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) query!: Query
  @state() private form: Form = 'Python'
  @state() private sql?: string
  @state() private copied = false
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    shared,
    css`
      dialog {
        width: min(860px, calc(100vw - 24px));
        max-width: none;
      }
      .tabs button[aria-selected='true'] {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
      pre {
        overflow: auto;
        max-height: min(60vh, 560px);
        margin: var(--space-3) 0;
        padding: var(--space-3);
        border-radius: var(--radius-small);
        background: var(--sunken);
        white-space: pre;
        tab-size: 4;
      }
    `,
  ]

  /** Opens the dialog for the present question. */
  show() {
    this.sql = undefined
    this.copied = false
    if (this.form === 'SQL') void this.explain()
    this.dialog.showModal()
  }

  override render() {
    return html`<dialog aria-labelledby="title">
      <div class="row">
        <h2 id="title">This question as code</h2>
        <span class="grow"></span>
        <button class="quiet icon-only" aria-label="Close" @click=${() => this.dialog.close()}>${icon('close')}</button>
      </div>
      <div class="row tabs" role="tablist" aria-label="Language">
        ${FORMS.map(
          form =>
            html`<button
              role="tab"
              aria-selected=${form === this.form ? 'true' : 'false'}
              aria-controls="text"
              @click=${() => this.turn(form)}
            >
              ${form}
            </button>`,
        )}
      </div>
      <pre id="text" role="tabpanel" tabindex="0" aria-label=${this.form}>${this.query ? this.text() : ''}</pre>
      <div class="row">
        <span class="muted small grow">${this.hint()}</span>
        <button class="primary" @click=${this.copy}>${icon('copy')} ${this.copied ? 'Copied' : 'Copy'}</button>
      </div>
      <span class="hidden-text" role="status">${this.copied ? 'Copied' : nothing}</span>
    </dialog>`
  }

  private text(): string {
    if (this.form === 'Python') return python(this.session.project, this.query)
    if (this.form === 'curl') return curl(location.origin, this.session.project, this.query)
    return this.sql ?? '-- asking the planner…'
  }

  private hint(): string {
    if (this.form === 'SQL') return 'What the planner would run now, with the values written in.'
    return 'Set TIDEMARK_KEY to a key that may read.'
  }

  private turn(form: Form) {
    this.form = form
    this.copied = false
    if (form === 'SQL' && this.sql === undefined) void this.explain()
  }

  private async explain() {
    try {
      const { scans } = await queries.explainQuery({ project: this.session.project, query: this.query })
      this.sql = scans
        .map(({ source, reason, statement }) => `-- ${source}: ${reason}\n${statement};\n`)
        .join('\n')
    } catch (error) {
      this.sql = `-- ${problem(error).text}`
    }
  }

  private copy = async () => {
    await navigator.clipboard.writeText(this.text())
    this.copied = true
  }
}
