import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { signIn } from './session'
import mark from './theme/mark.svg'
import { shared } from './theme/styles'

/** Asks for a key and exchanges it for a session. Dispatches `tm-signed-in` with the `Session`. */
@customElement('tm-sign-in')
export class SignIn extends LitElement {
  /** Why somebody who was signed in has to do it again. */
  @property() reason = ''
  @state() private busy = false
  @state() private failure = ''
  @query('input') private input!: HTMLInputElement

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        min-height: 100vh;
        place-items: center;
        padding: var(--space-4);
      }
      main {
        width: min(420px, 100%);
        padding: var(--space-6) var(--space-5) var(--space-5);
      }
      header {
        display: flex;
        align-items: center;
        gap: 10px;
        margin-bottom: var(--space-5);
      }
      header img {
        width: 34px;
        height: 34px;
      }
      form {
        display: grid;
        gap: 6px;
      }
      form button,
      .problem {
        margin-top: var(--space-2);
      }
      input {
        min-height: 38px;
        font-family: var(--mono);
      }
      button {
        min-height: 38px;
      }
      details {
        margin-top: var(--space-4);
      }
      summary {
        cursor: pointer;
        color: var(--muted);
      }
      details p {
        margin-top: var(--space-2);
      }
      code {
        padding: 1px 4px;
        border-radius: 4px;
        background: var(--sunken);
        overflow-wrap: anywhere;
      }
    `,
  ]

  override firstUpdated() {
    this.input.focus()
  }

  override render() {
    return html`
      <main class="panel">
        <header>
          <img src=${mark} alt="" />
          <div>
            <h1>Tidemark</h1>
            <p class="muted small">Analytics that proves its numbers</p>
          </div>
        </header>
        ${this.reason ? html`<p class="notice" role="status">${this.reason}</p>` : nothing}
        <form @submit=${this.submit}>
          <label class="field" for="key">API key</label>
          <input
            id="key"
            type="password"
            autocomplete="current-password"
            placeholder="tmk_…"
            spellcheck="false"
            required
            ?disabled=${this.busy}
            aria-describedby="where"
          />
          ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing}
          <button class="primary" ?disabled=${this.busy}>${this.busy ? 'Signing in…' : 'Sign in'}</button>
        </form>
        <details id="where" ?open=${!!this.failure}>
          <summary>Where is my key?</summary>
          <p>
            On your own machine <code>make run</code> has kept the first keys in <code>.tidemark/keys</code>, for
            you alone; the one in <code>.tidemark/client.env</code>, <code>TIDEMARK_KEY</code>, is good for this page.
          </p>
          <p>
            Elsewhere ask whoever runs Tidemark, or make one with
            <code>tidemark keys create --role viewer</code>. A key that may only send events cannot sign in.
          </p>
          <p class="muted">The browser keeps no key, only a session that ends by itself.</p>
        </details>
      </main>
    `
  }

  private submit = async (event: Event) => {
    event.preventDefault()
    const key = this.input.value.trim()
    if (!key) return
    this.busy = true
    this.failure = ''
    try {
      const session = await signIn(key)
      this.dispatchEvent(new CustomEvent('tm-signed-in', { detail: session, bubbles: true, composed: true }))
    } catch (error) {
      this.failure = error instanceof Error ? error.message : 'The server could not sign you in. Try again.'
    }
    this.busy = false
  }
}
