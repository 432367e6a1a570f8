import { clone, create } from '@bufbuild/protobuf'
import { DurationSchema } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { navigate } from '../app/router'
import { idOf, span } from '../common/words'
import '../dashboard/time-range'
import '../explorer/query-editor'
import {
  type AlertRule,
  AlertRuleSchema,
  type Channel,
  type Incident,
  type PreviewAlertRuleResponse,
} from '../gen/tidemark/v1/alert_pb'
import { type Query, QuerySchema, type TimeRange } from '../gen/tidemark/v1/question_pb'
import { NOTHING, number } from '../model/format'
import { groupOf } from '../model/measures'
import { missing } from '../model/question'
import { Page } from '../page/page'
import './band'
import { alerts } from './clients'
import { conditionForm, figure } from './condition'
import { begun, past, turned } from './model/alert'
import { evidence } from './model/band'
import { SEVERITIES } from './model/words'

const NEW = 'new'
/** So long after a change the rule is tried, in milliseconds: people change several things in a row. */
const PAUSE = 400
/** More groups than this are not drawn. */
const DRAWN = 6

/** One rule: what it watches and when it opens an incident, tried on the past as it is changed. */
@customElement('tm-alert')
export class Alert extends Page {
  @state() private rule: AlertRule = begun()
  @state() private loaded = false
  @state() private channels: Channel[] = []
  /** The time it is tried on, where somebody has chosen one. */
  @state() private chosen?: TimeRange
  @state() private preview?: PreviewAlertRuleResponse
  @state() private refused = ''
  @query('dialog') private dialog!: HTMLDialogElement

  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    ...Page.styles,
    css`
      .columns {
        display: grid;
        grid-template-columns: minmax(300px, 400px) minmax(0, 1fr);
        gap: var(--space-4);
        align-items: start;
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(140px, 1fr));
        gap: var(--space-3);
        align-items: end;
      }
      fieldset {
        display: grid;
        gap: var(--space-3);
        min-width: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0 0 6px;
        color: var(--muted);
        font-size: var(--text-small);
        font-weight: 620;
      }
      .tried {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-3);
        padding: var(--space-4);
      }
      .tried .panel {
        margin: 0;
        box-shadow: none;
      }
      @media (max-width: 1100px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
  }

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.loaded = false
    this.preview = undefined
    void this.load()
  }

  override render() {
    const { session, rule } = this
    const title = this.name === NEW ? 'New rule' : rule.displayName || this.name
    return html`
      <header class="row">
        <h1><a href="/insights/alerts">Alerts</a> · ${title}</h1>
        <span class="grow"></span>
        ${
          session.author && this.name !== NEW && this.loaded
            ? html`<button class="danger" @click=${() => this.dialog.showModal()}>Delete…</button>`
            : nothing
        }
      </header>
      ${this.trouble()}
      ${
        this.loaded
          ? html`<div class="columns">${session.author ? this.form() : nothing} ${this.tried()}</div>`
          : html`<div class="panel">${this.empty(false, '')}</div>`
      }
      <dialog aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.forget}>
          <h2 id="delete-title">Delete “${title}”?</h2>
          <p>Its open incidents end.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private form() {
    const { rule, session } = this
    const change = (how: () => void) => {
      how()
      this.touched()
    }
    const changed = () => this.touched()
    const value = (event: Event) => (event.target as HTMLInputElement | HTMLSelectElement).value
    const together = (seconds: number) =>
      (rule.groupWindow = seconds
        ? create(DurationSchema, { seconds: BigInt(Math.round(seconds)) })
        : undefined)
    const asked = create(QuerySchema, { question: { case: 'series', value: rule.series! } })
    return html`<form class="panel" @submit=${this.save}>
      <label class="field">Name <input required maxlength="100" autocomplete="off" .value=${rule.displayName} @change=${(event: Event) => (rule.displayName = value(event).trim())} /></label>
      <fieldset>
        <legend>What is watched</legend>
        <tm-query-editor
          .session=${session}
          .query=${asked}
          .kinds=${['series']}
          .comparable=${false}
          @change=${({ detail: { question } }: CustomEvent<Query>) => change(() => question.case === 'series' && (rule.series = question.value))}
        ></tm-query-editor>
      </fieldset>
      <fieldset>
        <legend>When it is an incident</legend>
        ${conditionForm(rule, kind => change(() => (this.rule = turned(rule, kind))), changed)}
        <div class="pair">
          ${figure('Buckets at fault in a row', rule.forBuckets || 1, { min: 1, max: 100 }, count => (rule.forBuckets = count), changed)}
          ${figure('Without fault to end it', rule.clearBuckets || 1, { min: 1, max: 100 }, count => (rule.clearBuckets = count), changed)}
          <label class="field"
            >Severity
            <select @change=${(event: Event) => change(() => (rule.severity = Number(value(event))))}>
              ${SEVERITIES.map(each => html`<option value=${each.value} ?selected=${each.value === rule.severity}>${each.title}</option>`)}
            </select>
          </label>
        </div>
      </fieldset>
      <fieldset>
        <legend>Who is told</legend>
        ${this.telling(rule)}
        ${figure('Groups that open within so many seconds are told of together', Number(rule.groupWindow?.seconds ?? 0n), { min: 0, max: 86_400 }, together, changed)}
      </fieldset>
      <div class="row ends">
        <a class="button" href="/insights/alerts">Cancel</a>
        <button class="primary" ?disabled=${this.busy}>${this.name === NEW ? 'Create' : 'Save'}</button>
      </div>
    </form>`
  }

  private telling(rule: AlertRule) {
    const { channels } = this
    if (!channels.length)
      return html`<p class="muted small">There is no <a href="/insights/channels">channel</a> yet: incidents are shown here only.</p>`
    const toggle = (name: string, on: boolean) => {
      rule.channels = on ? [...rule.channels, name] : rule.channels.filter(each => each !== name)
      this.requestUpdate()
    }
    return html`
      ${channels.map(
        ({ name, displayName }) =>
          html`<label class="check">
            <input
              type="checkbox"
              .checked=${rule.channels.includes(name)}
              @change=${(event: Event) => toggle(name, (event.target as HTMLInputElement).checked)}
            />
            ${displayName || idOf(name)}
          </label>`,
      )}
      ${rule.channels.length ? nothing : html`<p class="muted small">All channels, when none is ticked.</p>`}
    `
  }

  private tried() {
    const { preview, refused, session } = this
    return html`<section class="panel tried" aria-label="What it would have done" aria-busy=${preview ? 'false' : 'true'}>
      <div class="row">
        <h2>What it would have done</h2>
        <span class="grow"></span>
        <tm-time-range
          .range=${this.chosen ?? past(this.rule)}
          .zone=${session.zone}
          @change=${(event: CustomEvent<TimeRange>) => {
            this.chosen = event.detail
            this.touched()
          }}
        ></tm-time-range>
      </div>
      ${refused ? html`<p class="notice" role="status">${refused}</p>` : preview ? this.outcome(preview) : html`<p class="muted" role="status">Trying it on the past…</p>`}
    </section>`
  }

  private outcome({
    incidents,
    bucketCount,
    faultCount,
    bucketStarts,
    evidence: groups,
  }: PreviewAlertRuleResponse) {
    const { zone } = this.session
    const many = incidents.length === 1 ? '1 incident' : `${number(incidents.length)} incidents`
    const left = groups.length - DRAWN
    return html`
      <p role="status">
        <strong>${many}</strong>: ${number(faultCount)} of ${number(bucketCount)} buckets would have been at fault.
      </p>
      ${groups.slice(0, DRAWN).map(each => html`<tm-band .band=${evidence(bucketStarts, each)} .zone=${zone}></tm-band>`)}
      ${left > 0 ? html`<p class="muted small">${number(left)} more groups are not drawn.</p>` : nothing}
      ${incidents.length ? this.sheet('Incidents it would have opened', this.opened(incidents)) : nothing}
    `
  }

  private opened(incidents: Incident[]) {
    const { zone } = this.session
    return html`<table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Group</th>
          <th scope="col" class="number">Value</th>
          <th scope="col" class="number">Expected or allowed</th>
        </tr>
      </thead>
      <tbody>
        ${incidents.map(
          ({ startTime, endTime, group, value, expected }) =>
            html`<tr>
              <td>${span(startTime, endTime, zone)}</td>
              <td class="text">${groupOf(group, false) || NOTHING}</td>
              <td class="number">${number(value)}</td>
              <td class="number">${number(expected)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  /** The rule was changed: it is drawn anew, and tried soon. */
  private touched() {
    this.requestUpdate()
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.attempt(), PAUSE)
  }

  private async attempt() {
    const { rule, chosen: timeRange = past(rule) } = this
    const wanted = missing(create(QuerySchema, { question: { case: 'series', value: rule.series! } }))
    if (wanted) {
      this.refused = wanted
      return
    }
    const request = { parent: this.session.project, alertRule: clone(AlertRuleSchema, rule), timeRange }
    const { failure } = this
    const well = await this.read(
      () => alerts.previewAlertRule(request),
      found => (this.preview = found),
    )
    // What keeps it from being tried stands where the trial would.
    this.refused = well ? '' : this.failure
    this.failure = failure
  }

  private save = async (event: SubmitEvent) => {
    event.preventDefault()
    clearTimeout(this.timer)
    const alertRule = clone(AlertRuleSchema, this.rule)
    const { project: parent } = this.session
    const saved = await this.act(() =>
      this.name === NEW
        ? alerts.createAlertRule({ parent, alertRule, requestId: crypto.randomUUID() })
        : alerts.updateAlertRule({ alertRule }),
    )
    if (saved) navigate('/insights/alerts')
  }

  private forget = async () => {
    if (await this.act(() => alerts.deleteAlertRule({ name: this.rule.name }))) navigate('/insights/alerts')
  }

  private async load() {
    const { project: parent } = this.session
    const name = `${parent}/alertRules/${this.name}`
    await this.act(async () => {
      const [channels, found] = await Promise.all([
        alerts.listChannels({ parent }),
        this.name === NEW ? undefined : alerts.getAlertRule({ name }),
      ])
      this.channels = channels.channels
      this.rule = found?.alertRule ?? begun()
      this.loaded = true
    })
    if (this.loaded) await this.attempt()
  }
}
