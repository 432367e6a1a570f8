import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
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
import { Page } from './page'

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
        <h1>${shown ? html`<a href="/data/schemas">Schemas</a> · ${shown.eventName || 'new'}` : 'Schemas'}</h1>
        <span class="grow"></span>
        ${
          this.session.author && !shown
            ? html`<button class="primary" @click=${() => this.begin('')}>${icon('add')} New schema</button>`
            : nothing
        }
        <p class="muted">What the properties of events must look like, as JSON Schema. They are checked after the rules.</p>
      </header>
      ${this.trouble()}
      ${shown ? this.editor(shown) : html`<div class="panel">${this.all()}</div>`}
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
              <td>
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
        <form @submit=${this.save}>
          ${
            made
              ? nothing
              : html`<div class="row">
                  <label class="field">Event <input name="event" required maxlength="200" .value=${schema.eventName} /></label>
                  <button type="button" ?disabled=${this.busy} @click=${this.propose}>Propose from stored events</button>
                </div>`
          }
          <label class="field"
            >JSON Schema of the properties
            <textarea class="code" name="document" spellcheck="false" rows="18" ?readonly=${!author} .value=${schema.document}></textarea>
          </label>
          <div class="options">
            <label class="field">Where it is broken <select name="enforcement" ?disabled=${!author}>${options(WHAT, schema.enforcement)}</select></label>
            <label class="field">A new version promises <select name="compatibility" ?disabled=${!author}>${options(PROMISES, schema.compatibility)}</select></label>
          </div>
          <label class="field">What it is for <input name="description" maxlength="1000" ?readonly=${!author} .value=${schema.description} /></label>
          ${
            author
              ? html`<div class="row ends">
                  ${this.saved ? html`<span class="good-text" role="status">${this.saved}</span>` : nothing}
                  ${made ? html`<button type="button" class="danger" @click=${() => this.dialog.showModal()}>Delete…</button>` : html`<a href="/data/schemas" @click=${this.leave}>Cancel</a>`}
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
    return html`<div class="panel">
      <table>
        <caption class="hidden-text">What was seen of each property</caption>
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
                <td><code>${each.path}</code></td>
                <td>${each.types.join(', ')}</td>
                <td class="number">${percent(each.presentShare)}</td>
                <td class="muted">${each.examples.join(', ')}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
  }

  private history() {
    const take = (version: Schema) => {
      this.shown = create(SchemaSchema, { ...version, etag: this.shown!.etag })
    }
    return html`<div class="panel">
      <table>
        <caption class="hidden-text">Versions</caption>
        <thead>
          <tr>
            <th scope="col" class="number">Version</th>
            <th scope="col">Made</th>
            <th scope="col">Violations</th>
            <th scope="col"><span class="hidden-text">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          ${this.versions.map(
            each =>
              html`<tr>
                <td class="number">${each.version}</td>
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

  private leave = () => {
    this.shown = undefined
  }

  private propose = async () => {
    const eventName = this.field('event')
    const { project: parent } = this.session
    await this.act(async () => {
      const { schema, properties } = await schemas.inferSchema({ parent, eventName })
      this.seen = properties
      this.shown = create(SchemaSchema, {
        enforcement: this.shown!.enforcement,
        compatibility: this.shown!.compatibility,
        eventName,
        document: JSON.stringify(JSON.parse(schema?.document ?? '{}'), null, 2),
      })
    })
  }

  private save = async (event: SubmitEvent) => {
    event.preventDefault()
    const schema = create(SchemaSchema, {
      name: this.shown!.name,
      etag: this.shown!.etag,
      eventName: this.shown!.name ? this.shown!.eventName : this.field('event'),
      document: this.field('document'),
      enforcement: Number(this.field('enforcement')),
      compatibility: Number(this.field('compatibility')),
      description: this.field('description'),
    })
    await this.act(async () => {
      if (schema.name) {
        const paths = ['document', 'enforcement', 'compatibility', 'description']
        const changed = (await schemas.updateSchema({ schema, updateMask: { paths } })).schema!
        await this.load()
        this.saved = `Version ${changed.version} is saved.`
        return
      }
      const { project: parent } = this.session
      const made = await schemas.createSchema({ parent, schema, requestId: crypto.randomUUID() })
      navigate(`/data/schemas/${made.schema!.name.split('/').at(-1)!}`)
    })
  }

  private forget = async () => {
    const { name, etag } = this.shown!
    if (await this.act(() => schemas.deleteSchema({ name, etag }))) navigate('/data/schemas')
  }

  private field(name: string): string {
    const form = this.renderRoot.querySelector('form')!
    return ((new FormData(form).get(name) as string | null) ?? '').trim()
  }

  private async load() {
    const { project: parent } = this.session
    await this.act(async () => {
      if (this.name) {
        const name = `${parent}/schemas/${this.name}`
        const [{ schema }, { schemas: versions }] = await Promise.all([
          schemas.getSchema({ name }),
          schemas.listSchemaVersions({ name }),
        ])
        this.shown = schema
        this.versions = versions
        return
      }
      this.listed = (await schemas.listSchemas({ parent, pageSize: 1000 })).schemas
      const wanted = new URLSearchParams(location.search).get('event')
      if (wanted && this.session.author) this.begin(wanted)
    })
  }

  private at({ updateTime }: Schema): string {
    return updateTime ? instant(timestampMs(updateTime), this.session.zone) : ''
  }
}

function options(choices: { value: number; title: string }[], chosen: number) {
  return choices.map(
    ({ value, title }) => html`<option value=${value} ?selected=${value === chosen}>${title}</option>`,
  )
}
