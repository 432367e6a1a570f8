import { LitElement, css, html, nothing } from 'lit'
import { property, state } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'

/** What the pages about the data share: who looks, what is under way, what went wrong, and the look of tables. */
export abstract class Page extends LitElement {
  @property({ attribute: false }) session!: Session
  /** What of the section is shown by itself, as the address says; empty for all of it. */
  @property({ attribute: false }) name = ''
  @state() protected failure = ''
  @state() protected busy = false

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        min-width: 0;
      }
      header {
        flex-wrap: wrap;
        margin-bottom: var(--space-3);
      }
      header p {
        flex-basis: 100%;
        max-width: 80ch;
        margin: 0;
      }
      .panel {
        overflow-x: auto;
        margin-bottom: var(--space-3);
      }
      .problem,
      .notice {
        margin-bottom: var(--space-3);
      }
      tbody tr:hover {
        background: var(--sunken);
      }
      td a {
        color: var(--text);
        font-weight: 560;
        text-decoration: none;
      }
      td a:hover {
        color: var(--accent);
        text-decoration: underline;
      }
      form {
        display: grid;
        gap: var(--space-3);
        padding: var(--space-4);
      }
      textarea.code,
      pre {
        font-family: var(--mono, monospace);
        font-size: var(--text-small);
      }
      pre {
        overflow-x: auto;
        margin: 0;
        padding: var(--space-3);
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      .ends {
        justify-content: flex-end;
      }
      .good-text {
        color: var(--good);
      }
      .bad-text {
        color: var(--bad);
      }
    `,
  ]

  /** Does something with the server; what goes wrong is shown. Says whether it went well. */
  protected async act(what: () => Promise<unknown>): Promise<boolean> {
    this.busy = true
    this.failure = ''
    try {
      await what()
      return true
    } catch (error) {
      this.failure =
        error instanceof Error && error.constructor === Error ? error.message : problem(error).text
      return false
    } finally {
      this.busy = false
    }
  }

  protected trouble() {
    return this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing
  }

  /** What stands where there is nothing to show, or nothing yet. */
  protected empty(loaded: boolean, title: string, more = '') {
    return html`<div class="state" role="status">
      ${loaded ? html`<strong>${title}</strong>${more ? html`<p>${more}</p>` : nothing}` : this.failure ? 'Not loaded' : 'Loading…'}
    </div>`
  }
}
