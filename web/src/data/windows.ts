import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import { Aggregation } from '../gen/tidemark/v1/question_pb'
import { type Window, type WindowResult, WindowSchema } from '../gen/tidemark/v1/window_pb'
import { NOTHING, duration, instant, number } from '../model/format'
import { windows } from './clients'
import { Page } from '../page/page'

const KINDS = [
  { value: Aggregation.COUNT, title: 'Count' },
  { value: Aggregation.SUM, title: 'Sum of' },
  { value: Aggregation.AVG, title: 'Mean of' },
  { value: Aggregation.MIN, title: 'Least' },
  { value: Aggregation.MAX, title: 'Greatest' },
  { value: Aggregation.UNIQUES, title: 'Different values of' },
  { value: Aggregation.QUANTILE, title: 'Median of' },
]

/** Aggregates that are kept as events are committed: all windows, and the results of one, with what came late. */
@customElement('tm-data-windows')
export class WindowsPage extends Page {
  @state() private listed?: Window[]
  @state() private shown?: Window
  @state() private results?: WindowResult[]
  @state() private more = ''
  @query('#create') private creating!: HTMLDialogElement
  @query('#delete') private deleting!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    css`
      dialog form {
        min-width: min(440px, 80vw);
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
        gap: var(--space-3);
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.shown = this.results = undefined
    void this.load()
  }

  override render() {
    const { shown } = this
    return html`
      <header class="row">
        <h1>${this.name ? html`<a href="/data/windows">Windows</a> · ${shown?.displayName || this.name}` : 'Windows'}</h1>
        <span class="grow"></span>
        ${this.session.author ? this.makers() : nothing}
        <p class="muted">
          Aggregates over spans of event time, kept as events are committed. What comes late changes the window it belongs to, and is
          counted beside it.
        </p>
      </header>
      ${this.trouble()}
      ${this.sheet(this.name ? 'Results' : 'Windows', this.name ? this.one() : this.all())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
      ${this.dialogs()}
    `
  }

  private makers() {
    if (this.name && !this.shown) return nothing
    return this.name
      ? html`<button class="danger" @click=${() => this.deleting.showModal()}>Delete…</button>`
      : html`<button class="primary" @click=${() => this.creating.showModal()}>${icon('add')} New window</button>`
  }

  private all() {
    const { listed } = this
    if (!listed?.length) return this.empty(listed !== undefined, 'No windows yet')
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Window</th>
          <th scope="col">Spans</th>
          <th scope="col">Events</th>
          <th scope="col">For each</th>
          <th scope="col">Kept</th>
        </tr>
      </thead>
      <tbody>
        ${listed.map(
          each =>
            html`<tr>
              <td class="text"><a href="/data/windows/${idOf(each)}">${each.displayName || idOf(each)}</a></td>
              <td>${spans(each)}</td>
              <td class="text">${each.eventNames.join(', ') || 'all'}</td>
              <td class="text">${each.key.map(path => html`<code>${path}</code> `)}</td>
              <td>${each.aggregates.map(aggregate => aggregate.id).join(', ')}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private one() {
    const { shown, results } = this
    if (!shown || !results?.length)
      return this.empty(
        results !== undefined,
        'Nothing in the last day',
        'It counts what is committed after it was made.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">To</th>
          ${shown.key.map(path => html`<th scope="col">${path}</th>`)}
          ${shown.aggregates.map(each => html`<th scope="col" class="number">${each.id}</th>`)}
          <th scope="col" class="number">Events</th>
          <th scope="col">State</th>
          <th scope="col" class="number">Late</th>
          <th scope="col" class="number">Dropped</th>
        </tr>
      </thead>
      <tbody>
        ${results.map(
          each =>
            html`<tr>
              <td>${this.at(each.start)}</td>
              <td>${this.at(each.end)}</td>
              ${each.key.map(value => html`<td class="text">${value || NOTHING}</td>`)}
              ${each.values.map(value => html`<td class="number">${number(value)}</td>`)}
              <td class="number">${number(each.eventCount)}</td>
              <td>
                <span class="chip ${each.closed ? 'good' : ''}">${each.closed ? 'closed' : 'open'}</span>
                ${each.restatedAt ? html`<span class="chip warn" title="at ${this.at(each.restatedAt)}">restated</span>` : nothing}
              </td>
              <td class="number">${number(each.lateCount)}</td>
              <td class="number">${number(each.droppedCount)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private dialogs() {
    return html`
      <dialog id="create" aria-labelledby="create-title">
        <form method="dialog" @submit=${this.make}>
          <h2 id="create-title">New window</h2>
          <label class="field">Name <input name="title" required maxlength="100" autocomplete="off" /></label>
          <label class="field">Events <input name="events" placeholder="all; commas between several" /></label>
          <label class="field">Only where (CEL) <input name="when" maxlength="1000" placeholder="properties.amount > 10.0" /></label>
          <label class="field">For each value of <input name="key" placeholder="properties.country; commas between several" /></label>
          <div class="pair">
            <label class="field">Spans <select name="shape"><option value="tumbling">one after the other</option><option value="hopping">overlapping</option><option value="session">as long as something happens</option></select></label>
            <label class="field">Length or gap, seconds <input name="size" type="number" min="1" max="2678400" value="300" required /></label>
            <label class="field">Every, seconds <input name="every" type="number" min="1" value="60" /></label>
          </div>
          <div class="pair">
            <label class="field">Keep <select name="kind">${KINDS.map(({ value, title }) => html`<option value=${value}>${title}</option>`)}</select></label>
            <label class="field">Field <input name="field" placeholder="properties.amount" /></label>
          </div>
          <div class="row ends">
            <button type="button" @click=${() => this.creating.close()}>Cancel</button>
            <button class="primary">Create</button>
          </div>
        </form>
      </dialog>
      <dialog id="delete" aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.forget}>
          <h2 id="delete-title">Delete “${this.shown?.displayName || this.name}”?</h2>
          <p>Its results go with it. The events stay.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.deleting.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private make = async (event: SubmitEvent) => {
    const form = event.target as HTMLFormElement
    const fields = new FormData(form)
    const text = (name: string) => (fields.get(name) as string).trim()
    const several = (name: string) =>
      text(name)
        .split(',')
        .map(each => each.trim())
        .filter(Boolean)
    const aggregation = Number(text('kind')) as Aggregation
    const size = { seconds: BigInt(text('size')) }
    const every = { seconds: BigInt(text('every') || '1') }
    const shape = {
      tumbling: { case: 'tumbling' as const, value: { size } },
      hopping: { case: 'hopping' as const, value: { size, every } },
      session: { case: 'session' as const, value: { gap: size } },
    }[text('shape')]
    const window = create(WindowSchema, {
      displayName: text('title'),
      eventNames: several('events'),
      when: text('when'),
      key: several('key'),
      shape,
      aggregates: [
        {
          id: 'value',
          aggregation,
          field: aggregation === Aggregation.COUNT ? '' : text('field'),
          quantile: aggregation === Aggregation.QUANTILE ? 0.5 : 0,
        },
      ],
    })
    const { project: parent } = this.session
    await this.act(async () => {
      const made = await windows.createWindow({ parent, window, requestId: crypto.randomUUID() })
      form.reset()
      navigate(`/data/windows/${idOf(made.window!)}`)
    })
  }

  private forget = async () => {
    const name = `${this.session.project}/windows/${this.name}`
    if (await this.act(() => windows.deleteWindow({ name }))) navigate('/data/windows')
  }

  private async load(pageToken = '') {
    const { project: parent } = this.session
    await this.act(async () => {
      if (!this.name) {
        this.listed = (await windows.listWindows({ parent, pageSize: 1000 })).windows
        this.more = ''
        return
      }
      const name = `${parent}/windows/${this.name}`
      this.shown ??= (await windows.getWindow({ name })).window
      const page = await windows.listWindowResults({ name, pageSize: 100, pageToken })
      this.results = pageToken ? [...(this.results ?? []), ...page.results] : page.results
      this.more = page.nextPageToken
    })
  }

  private at(time: WindowResult['start']): string {
    return time ? instant(timestampMs(time), this.session.zone) : ''
  }
}

function idOf({ name }: Window): string {
  return name.split('/').at(-1)!
}

function spans({ shape }: Window): string {
  const long = (length: { seconds: bigint } | undefined) => duration(Number(length?.seconds ?? 0n))
  switch (shape.case) {
    case 'tumbling':
      return `${long(shape.value.size)} each`
    case 'hopping':
      return `${long(shape.value.size)}, every ${long(shape.value.every)}`
    case 'session':
      return `sessions, ${long(shape.value.gap)} apart`
    default:
      return ''
  }
}
