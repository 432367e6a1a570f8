import { timestampMs } from '@bufbuild/protobuf/wkt'
import { LitElement, css, html } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import type { Dashboard } from '../gen/tidemark/v1/dashboard_pb'
import { differences } from '../model/board'
import { instant } from '../model/format'

/** Tells that somebody else has saved the dashboard in the meantime and what they changed. Opened by `show`; dispatches `tm-settle` with
 * `theirs` or `mine`. */
@customElement('tm-conflict')
export class Conflict extends LitElement {
  @property() zone = 'UTC'
  @state() private when = ''
  @state() private found: string[] = []
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    shared,
    css`
      ul {
        max-height: 40vh;
        margin: var(--space-3) 0;
        padding-left: 20px;
        overflow: auto;
      }
      .row {
        justify-content: flex-end;
      }
    `,
  ]

  /** Opens the dialog: what was there when the changes began, and what is there now. */
  async show(before: Dashboard, theirs: Dashboard) {
    this.when = theirs.updateTime ? instant(timestampMs(theirs.updateTime), this.zone) : 'just now'
    this.found = differences(before, theirs)
    await this.updateComplete
    this.dialog.showModal()
  }

  override render() {
    return html`<dialog aria-labelledby="heading">
      <h2 id="heading">Somebody else has saved this dashboard</h2>
      <p class="muted">At ${this.when}, while you were changing it:</p>
      <ul>
        ${this.found.map(each => html`<li>${each}</li>`)}
      </ul>
      <div class="row">
        <button @click=${() => this.dialog.close()}>Go on editing</button>
        <button @click=${() => this.settle('theirs')}>Take theirs, lose mine</button>
        <button class="danger" @click=${() => this.settle('mine')}>Save mine over theirs</button>
      </div>
    </dialog>`
  }

  private settle(detail: 'theirs' | 'mine') {
    this.dialog.close()
    this.dispatchEvent(new CustomEvent('tm-settle', { detail }))
  }
}
