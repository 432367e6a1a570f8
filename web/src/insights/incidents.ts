import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { idOf, span, titleOf, when } from '../common/words'
import { type Incident, Incident_State as State, type Notification } from '../gen/tidemark/v1/alert_pb'
import { number } from '../model/format'
import { groupOf } from '../model/measures'
import { Page } from '../page/page'
import { alerts } from './clients'
import { INCIDENTS } from './model/alert'
import { SEVERITIES, toneOf } from './model/words'
import './notifications'

/** Spans during which something was at fault, newest first; or one of them, with who was told. */
@customElement('tm-incidents')
export class Incidents extends Page {
  @state() private incidents?: Incident[]
  @state() private more = ''
  @state() private wanted: State = State.UNSPECIFIED
  @state() private told: Notification[] = []

  static override styles = [
    ...Page.styles,
    css`
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(190px, 1fr));
        gap: var(--space-3);
        padding: var(--space-4);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .whole {
        display: grid;
        gap: var(--space-3);
        padding: var(--space-4) var(--space-4) 0;
      }
      td .actions {
        flex-wrap: nowrap;
        justify-content: flex-end;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name') && !changed.has('wanted')) return
    this.incidents = undefined
    void this.load()
  }

  override render() {
    const [one] = this.incidents ?? []
    return html`
      <header class="row">
        <h1>${this.name ? html`<a href="/insights/incidents">Incidents</a> · ${one?.title ?? this.name}` : 'Incidents'}</h1>
        <span class="grow"></span>
        ${this.name ? nothing : this.choice()}
        <button ?disabled=${this.busy} @click=${() => this.load()}>Refresh</button>
        ${this.name ? nothing : html`<p class="muted">What is at fault, or was, by a rule or by a finding.</p>`}
      </header>
      ${this.trouble()}
      ${
        this.name
          ? this.one(one)
          : html`${this.sheet('Incidents', this.all())}
            ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}`
      }
    `
  }

  private choice() {
    return html`<select
      aria-label="State"
      @change=${(event: Event) => (this.wanted = Number((event.target as HTMLSelectElement).value))}
    >
      <option value="0">any state</option>
      ${INCIDENTS.map(each => html`<option value=${each.value} ?selected=${each.value === this.wanted}>${each.title}</option>`)}
    </select>`
  }

  private all() {
    const { incidents } = this
    if (!incidents?.length)
      return this.empty(
        incidents !== undefined,
        'No incidents',
        'Nothing that a rule or a finding calls one has happened.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Incident</th>
          <th scope="col">Severity</th>
          <th scope="col">State</th>
          <th scope="col">When</th>
          <th scope="col" class="number">Value</th>
          <th scope="col" class="number">Expected or allowed</th>
          <th scope="col"><span class="hidden-text">Actions</span></th>
        </tr>
      </thead>
      <tbody>
        ${incidents.map(
          each =>
            html`<tr>
              <td class="text">
                <a href="/insights/incidents/${idOf(each.name)}">${each.title}</a>
                ${each.group.length ? html`<div class="muted small">${groupOf(each.group, false)}</div>` : nothing}
              </td>
              <td><span class="chip ${toneOf(each.severity)}">${titleOf(SEVERITIES, each.severity)}</span></td>
              <td>${standing(each)}</td>
              <td>${span(each.startTime, each.endTime, this.session.zone)}</td>
              <td class="number">${number(each.latestValue)}</td>
              <td class="number">${number(each.expected)}</td>
              <td>${this.actions(each)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private one(incident: Incident | undefined) {
    if (!incident)
      return html`<div class="panel">${this.empty(this.incidents !== undefined, 'There is no such incident')}</div>`
    const { zone } = this.session
    const { insight, alertRule, acknowledgedBy } = incident
    const cause = insight
      ? html`<a href="/insights/findings/${idOf(insight)}">a finding</a>`
      : alertRule
        ? html`<a href="/insights/alerts/${idOf(alertRule)}">the rule ${idOf(alertRule)}</a>`
        : 'a rule that is gone'
    const facts: [string, unknown][] = [
      ['State', standing(incident)],
      [
        'Severity',
        html`<span class="chip ${toneOf(incident.severity)}">${titleOf(SEVERITIES, incident.severity)}</span>`,
      ],
      ['Opened by', cause],
      ['Group', groupOf(incident.group, false) || '–'],
      ['Began', when(incident.startTime, zone)],
      ['Opened', when(incident.openTime, zone)],
      ['Ended', when(incident.endTime, zone)],
      ['Value that opened it', number(incident.value)],
      ['Latest value at fault', number(incident.latestValue)],
      ['Expected or allowed', number(incident.expected)],
      [
        'Looked after by',
        acknowledgedBy ? `${acknowledgedBy}, since ${when(incident.acknowledgeTime, zone)}` : 'nobody yet',
      ],
    ]
    return html`
      <div class="panel">
        <div class="whole">
          <p>${incident.description}</p>
          ${this.actions(incident)}
        </div>
        <dl>${facts.map(([title, value]) => html`<div><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>
      </div>
      ${this.sheet('Who was told', html`<tm-notifications .notifications=${this.told} .zone=${zone}></tm-notifications>`)}
    `
  }

  private actions({ name, state, title }: Incident) {
    if (!this.session.author || state === State.RESOLVED) return nothing
    return html`<div class="row actions">
      ${
        state === State.OPEN
          ? html`<button ?disabled=${this.busy} aria-label="Acknowledge ${title}" @click=${() => this.change(() => alerts.acknowledgeIncident({ name }))}>
              Acknowledge
            </button>`
          : nothing
      }
      <button ?disabled=${this.busy} aria-label="Resolve ${title}" @click=${() => this.change(() => alerts.resolveIncident({ name }))}>Resolve</button>
    </div>`
  }

  private async change(how: () => Promise<{ incident?: Incident }>) {
    await this.act(async () => {
      const { incident } = await how()
      this.incidents = this.incidents?.map(each => (each.name === incident!.name ? incident! : each))
    })
  }

  private async load(pageToken = '') {
    const { project: parent } = this.session
    const { name, wanted } = this
    await this.read(
      async () => {
        if (!name) {
          const page = await alerts.listIncidents({
            parent,
            states: wanted ? [wanted] : [],
            pageSize: 50,
            pageToken,
          })
          return { found: page.incidents, next: page.nextPageToken, told: [] }
        }
        const incident = `${parent}/incidents/${name}`
        const [read, { notifications }] = await Promise.all([
          alerts.getIncident({ name: incident }),
          alerts.listNotifications({ parent, incident, pageSize: 100 }),
        ])
        return { found: read.incident ? [read.incident] : [], next: '', told: notifications }
      },
      ({ found, next, told }) => {
        this.incidents = pageToken ? [...(this.incidents ?? []), ...found] : found
        this.more = next
        this.told = told
      },
    )
  }
}

function standing({ state }: Incident) {
  const { title, tone } = INCIDENTS.find(each => each.value === state) ?? { title: '', tone: '' }
  return html`<span class="chip ${tone}">${title}</span>`
}
