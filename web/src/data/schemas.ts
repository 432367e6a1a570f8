import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { live } from 'lit/directives/live.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import {
  Compatibility,
  Enforcement,
  type InferredProperty,
  type Schema,
  SchemaSchema,
} from '../gen/tidemark/v1/schema_pb'
import { instant, percent } from '../model/format'
import { schemas } from './clients'
import { ENFORCEMENTS } from './events'
import { readable } from './model/json'
import { Page } from '../page/page'

/** Stands for a schema that is not made yet, where its id would be. */
const NEW = '-'

const WHAT: { value: Enforcement; title: string }[] = [
  { value: Enforcement.WARN, title: 'store it and count it' },
  { value: Enforcement.DEAD_LETTER, title: 'set it aside as a dead letter' },
  { value: Enforcement.REJECT, title: 'refuse it' },
]
const PROMISES: { value: Compatibility; title: string }[] = [
  { value: Compatibility.NONE, title: 'nothing' },
  { value: Compatibility.BACKWARD, title: 'what the old one allowed is allowed (backward)' },
  { value: Compatibility.FORWARD, title: 'what it allows the old one allowed (forward)' },
  { value: Compatibility.FULL, title: 'both (full)' },
]

/** What the properties of events must look like: all schemas, and one of them with its versions, to read and to change. */
@customElement('tm-data-schemas')
export class SchemasPage extends Page {
  @state() private listed?: Schema[]
  @state() private shown?: Schema
  @state() private versions: Schema[] = []
  @state() private seen: InferredProperty[] = []
  @state() private saved = ''
  @query('dialog') private dialog!: HTMLDialogElement
  @query('section form') private form!: HTMLFormElement

  static override styles = [
    ...Page.styles,
    css`
      textarea {
        min-height: 320px;
        resize: vertical;
      }
      .options {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(220px, 1fr));
        gap: var(--space-3);
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.shown = undefined
    this.versions = []
    this.seen = []
    this.saved = ''
    void this.load()
  }

  override render() {
    const { shown } = this
    return html`
      <header class="row">
        <h1>${this.name ? html`<a href="/data/schemas">Schemas</a> · ${this.name === NEW ? 'new' : shown?.eventName || this.name}` : 'Schemas'}</h1>
        <span class="grow"></span>
        ${
          this.session.author && !this.name
            ? html`<a class="button primary" href="/data/schemas/${NEW}">${icon('add')} New schema</a>`
            : nothing
        }
        <p class="muted">What the properties of events must look like, as JSON Schema. They are checked after the rules.</p>
      </header>
      ${this.trouble()}
      ${shown ? this.editor(shown) : this.sheet('Schemas', this.name ? this.empty(false, '') : this.all())}
    `
  }

  private all() {
    const { listed } = this
    if (!listed?.length)
      return this.empty(
        listed !== undefined,
        'No schemas yet',
        this.session.author ? 'Make one: it can be proposed from the events that are stored.' : '',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col" class="number">Version</th>
          <th scope="col">Violations</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        ${listed.map(
          each =>
            html`<tr>
              <td class="text">
                <a href="/data/schemas/${each.name.split('/').at(-1)!}">${each.eventName}</a>
                ${each.description ? html`<p class="muted small">${each.description}</p>` : nothing}
              </td>
              <td class="number">${each.version}</td>
              <td>${ENFORCEMENTS[each.enforcement]}</td>
              <td class="muted">${this.at(each)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private editor(schema: Schema) {
    const author = this.session.author
    const made = schema.name !== ''
    return html`
      <section class="panel">
        <form @submit=${this.save} @input=${this.change}>
          ${
            made
              ? nothing
              : html`<div class="row">
                  <label class="field">Event <input name="event" required maxlength="200" autocomplete="off" .value=${live(schema.eventName)} /></label>
                  <button type="button" ?disabled=${this.busy} @click=${this.propose}>Propose from stored events</button>
                </div>`
          }
          <label class="field"
            >JSON Schema of the properties
            <textarea class="code" name="document" spellcheck="false" rows="18" ?readonly=${!author} .value=${live(schema.document)}></textarea>
          </label>
          <div class="options">
            <label class="field">Where it is broken <select name="enforcement" ?disabled=${!author}>${options(WHAT, schema.enforcement)}</select></label>
            <label class="field">A new version promises <select name="compatibility" ?disabled=${!author}>${options(PROMISES, schema.compatibility)}</select></label>
          </div>
          <label class="field">What it is for <input name="description" maxlength="1000" ?readonly=${!author} .value=${live(schema.description)} /></label>
          ${
            author
              ? html`<div class="row ends">
                  ${this.saved ? html`<span class="good-text" role="status">${this.saved}</span>` : nothing}
                  ${made ? html`<button type="button" class="danger" @click=${() => this.dialog.showModal()}>Delete…</button>` : html`<a class="button" href="/data/schemas">Cancel</a>`}
                  <button class="primary" ?disabled=${this.busy}>${made ? 'Save as a new version' : 'Create'}</button>
                </div>`
              : nothing
          }
        </form>
      </section>
      ${this.seen.length ? this.evidence() : nothing} ${this.versions.length > 1 ? this.history() : nothing}
      <dialog aria-labelledby="sure">
        <form method="dialog" @submit=${this.forget}>
          <h2 id="sure">Delete the schema of “${schema.eventName}”?</h2>
          <p>All its versions go, and its events are no longer checked.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private evidence() {
    return html`<div class="panel" role="region" aria-label="What was seen" tabindex="0">
      <table>
        <caption>What was seen of each property</caption>
        <thead>
          <tr>
            <th scope="col">Property</th>
            <th scope="col">Types</th>
            <th scope="col" class="number">Present</th>
            <th scope="col">Examples</th>
          </tr>
        </thead>
        <tbody>
          ${this.seen.map(
            each =>
              html`<tr>
                <td class="text"><code>${each.path}</code></td>
                <td>${each.types.join(', ')}</td>
                <td class="number">${percent(each.presentShare)}</td>
                <td class="text muted">${each.examples.join(', ')}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
  }

  private history() {
    const take = (version: Schema) => {
      this.shown = legible({ ...version, etag: this.shown!.etag })
    }
    return html`<div class="panel">
      <table>
        <caption>Versions</caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Made</th>
            <th scope="col">Violations</th>
            <th scope="col"><span class="hidden-text">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          ${this.versions.map(
            each =>
              html`<tr>
                <td>${each.version}</td>
                <td>${this.at(each)}</td>
                <td>${ENFORCEMENTS[each.enforcement]}</td>
                <td><button class="quiet" @click=${() => take(each)}>Show</button></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
  }

  private begin(eventName: string) {
    this.shown = create(SchemaSchema, {
      eventName,
      document: '{\n  "type": "object",\n  "properties": {}\n}',
      enforcement: Enforcement.WARN,
      compatibility: Compatibility.NONE,
    })
  }

  /** Keeps what is written, so that a proposal or another version can take its place. */
  private change = () => {
    this.saved = ''
    this.shown = this.written()
  }

  private written(): Schema {
    const fields = new FormData(this.form)
    const text = (name: string) => (fields.get(name) as string | null) ?? ''
    return create(SchemaSchema, {
      ...this.shown!,
      eventName: this.shown!.name ? this.shown!.eventName : text('event'),
      document: text('document'),
      enforcement: Number(text('enforcement')),
      compatibility: Number(text('compatibility')),
      description: text('description'),
    })
  }

  private propose = async () => {
    const event = this.renderRoot.querySelector<HTMLInputElement>('input[name=event]')!
    if (!event.reportValidity()) return
    const { project: parent } = this.session
    await this.read(
      () => schemas.inferSchema({ parent, eventName: event.value }),
      ({ schema, properties }) => {
        const document = readable(schema!.document)
        this.seen = properties
        this.shown = create(SchemaSchema, { ...this.shown!, document })
      },
    )
  }

  private save = async (event: SubmitEvent) => {
    event.preventDefault()
    const schema = this.written()
    const { project: parent } = this.session
    if (!schema.name) {
      await this.act(async () => {
        const made = await schemas.createSchema({ parent, schema, requestId: crypto.randomUUID() })
        navigate(`/data/schemas/${made.schema!.name.split('/').at(-1)!}`)
      })
      return
    }
    const paths = ['document', 'enforcement', 'compatibility', 'description']
    if (!(await this.act(() => schemas.updateSchema({ schema, updateMask: { paths } })))) return
    await this.load()
    this.saved = `Version ${this.shown!.version} is saved.`
  }

  private forget = async () => {
    const { name, etag } = this.shown!
    if (await this.act(() => schemas.deleteSchema({ name, etag }))) navigate('/data/schemas')
  }

  private async load() {
    const { project: parent } = this.session
    if (this.name === NEW) {
      this.begin(new URLSearchParams(location.search).get('event') ?? '')
      return
    }
    if (!this.name) {
      await this.read(
        () => schemas.listSchemas({ parent, pageSize: 1000 }),
        ({ schemas: listed }) => (this.listed = listed),
      )
      return
    }
    const name = `${parent}/schemas/${this.name}`
    await this.read(
      () => Promise.all([schemas.getSchema({ name }), schemas.listSchemaVersions({ name })]),
      ([{ schema }, { schemas: versions }]) => {
        this.shown = legible(schema!)
        this.versions = versions
      },
    )
  }

  private at({ updateTime }: Schema): string {
    return updateTime ? instant(timestampMs(updateTime), this.session.zone) : ''
  }
}

/** A schema whose document has lines, though it was sent without. */
function legible(schema: Schema): Schema {
  return schema.document.includes('\n') ? schema : { ...schema, document: readable(schema.document) }
}

function options(choices: { value: number; title: string }[], chosen: number) {
  return choices.map(
    ({ value, title }) => html`<option value=${value} .selected=${live(value === chosen)}>${title}</option>`,
  )
}
