import { clone, create } from '@bufbuild/protobuf'
import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import '../explorer/query-editor'
import { type Display, Display_Kind as Kind, type Tile, TileSchema } from '../gen/tidemark/v1/dashboard_pb'
import { type Query, QuerySchema } from '../gen/tidemark/v1/question_pb'
import { displays, title } from '../model/display'
import { missing } from '../model/question'
import '../tiles/text'
import { displayForm, timeField } from './display-form'

/** Edits a tile in a dialog opened by `show`. Dispatches `tm-done` with the tile as it is to be. */
@customElement('tm-tile-editor')
export class TileEditor extends LitElement {
  @property({ attribute: false }) session!: Session
  @property() zone = 'UTC'
  @state() private tile: Tile = create(TileSchema)
  @state() private fresh = false
  @state() private open = false
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    shared,
    css`
      dialog {
        width: min(760px, calc(100vw - 24px));
        max-width: none;
        padding: 0;
      }
      form {
        display: flex;
        flex-direction: column;
        max-height: calc(100vh - 26px);
      }
      header,
      footer {
        padding: var(--space-3) var(--space-4);
        border-bottom: 1px solid var(--line);
      }
      footer {
        display: flex;
        gap: var(--space-2);
        align-items: center;
        justify-content: flex-end;
        border: 0;
        border-top: 1px solid var(--line);
      }
      .content {
        display: grid;
        gap: var(--space-4);
        padding: var(--space-4);
        overflow-y: auto;
      }
      .drawn {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(150px, 1fr));
        gap: var(--space-3);
        align-items: end;
      }
      label.check {
        min-height: var(--control);
      }
      textarea {
        min-height: 180px;
        resize: vertical;
        font-family: var(--mono);
        font-size: var(--text-small);
      }
      .preview {
        padding: var(--space-3);
        border: 1px dashed var(--line);
        border-radius: var(--radius-small);
      }
    `,
  ]

  /** Opens the dialog with a copy of a tile. */
  async show(tile: Tile, fresh: boolean) {
    this.tile = clone(TileSchema, tile)
    this.fresh = fresh
    this.open = true
    await this.updateComplete
    this.dialog.showModal()
  }

  override render() {
    const { content } = this.tile
    const wanted = content.case === 'query' ? missing(content.value) : undefined
    return html`<dialog aria-labelledby="heading" @close=${() => (this.open = false)}>
      <form @submit=${(event: SubmitEvent) => this.done(event)}>
        <header><h2 id="heading">${this.fresh ? 'Add a tile' : 'Edit the tile'}</h2></header>
        <div class="content">
          <label class="field">
            Title
            <input
              .value=${this.tile.title}
              maxlength="200"
              placeholder=${content.case === 'query' ? title(content.value) : 'None'}
              @input=${(event: Event) => (this.tile.title = (event.target as HTMLInputElement).value)}
            />
          </label>
          ${content.case === 'query' ? this.question(content.value) : this.text(content.value ?? '')}
        </div>
        <footer>
          ${wanted ? html`<span class="muted grow">${wanted}</span>` : nothing}
          <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
          <button class="primary" ?disabled=${!!wanted}>${this.fresh ? 'Add' : 'Done'}</button>
        </footer>
      </form>
    </dialog>`
  }

  private question(asked: Query) {
    const draw = (display: Display) => {
      this.tile.display = display
      this.requestUpdate()
    }
    return html`
      ${
        this.open
          ? html`<tm-query-editor
              .session=${this.session}
              .query=${asked}
              @change=${(event: CustomEvent<Query>) => this.ask(event.detail)}
            ></tm-query-editor>`
          : nothing
      }
      <div class="drawn">
        ${displayForm(asked, this.tile.display, draw)}
        ${timeField('Time', asked.timeRange, { zone: this.zone, usual: 'As the dashboard' }, timeRange =>
          this.ask(create(QuerySchema, { ...asked, timeRange })),
        )}
      </div>
    `
  }

  private text(text: string) {
    const write = (event: Event) => {
      this.tile.content = { case: 'text', value: (event.target as HTMLTextAreaElement).value }
      this.requestUpdate()
    }
    return html`<label class="field">
        Text; **bold**, *italic*, # heading, - item and [link](https://…) are understood
        <textarea maxlength="10000" .value=${text} @input=${write}></textarea>
      </label>
      <div class="preview"><tm-text .text=${text}></tm-text></div>`
  }

  private ask(query: Query) {
    this.tile.content = { case: 'query', value: query }
    const kinds = displays(query).map(({ kind }) => kind)
    if (this.tile.display && !kinds.includes(this.tile.display.kind))
      this.tile.display.kind = Kind.UNSPECIFIED
    this.requestUpdate()
  }

  private done(event: SubmitEvent) {
    event.preventDefault()
    const { content } = this.tile
    if (!this.tile.title.trim() && content.case === 'query') this.tile.title = title(content.value)
    this.dialog.close()
    this.dispatchEvent(new CustomEvent('tm-done', { detail: this.tile }))
  }
}
