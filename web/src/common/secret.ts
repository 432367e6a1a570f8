import { LitElement, css, html } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { shared } from '../app/theme/styles'

/** Shows the secret of a webhook once. Opened by `show`; forgets it when it is closed. */
@customElement('tm-secret')
export class Secret extends LitElement {
  @state() private secret = ''
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    shared,
    css`
      form {
        display: grid;
        gap: var(--space-3);
        width: min(460px, 80vw);
      }
      pre {
        margin: 0;
        padding: var(--space-3);
        border-radius: var(--radius-small);
        background: var(--sunken);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .row {
        justify-content: flex-end;
      }
    `,
  ]

  async show(secret: string) {
    this.secret = secret
    await this.updateComplete
    this.dialog.showModal()
  }

  override render() {
    return html`<dialog aria-labelledby="heading" @close=${() => (this.secret = '')}>
      <form method="dialog">
        <h2 id="heading">The secret of this webhook</h2>
        <p>Its messages are signed with it. Copy it now: it is never told again.</p>
        <pre tabindex="0" aria-label="Secret">${this.secret}</pre>
        <div class="row">
          <button type="button" @click=${() => navigator.clipboard.writeText(this.secret)}>${icon('copy')} Copy</button>
          <button class="primary">I have kept it</button>
        </div>
      </form>
    </dialog>`
  }
}
