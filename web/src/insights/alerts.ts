import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { idOf, titleOf, when } from '../common/words'
import type { AlertRule } from '../gen/tidemark/v1/alert_pb'
import { Page } from '../page/page'
import './alert'
import { alerts } from './clients'
import { SNOOZES, fault, patience, quiet, standing, watched } from './model/alert'
import { SEVERITIES, toneOf } from './model/words'

/** All rules: what each watches, when it opens an incident, and how it stands; those who may can keep one quiet. */
@customElement('tm-alerts')
export class Alerts extends Page {
  @state() private rules?: AlertRule[]
  @state() private more = ''

  static override styles = [
    ...Page.styles,
    css`
      .actions {
        flex-wrap: nowrap;
        justify-content: flex-end;
      }
      .actions select {
        width: 104px;
      }
      td .small {
        white-space: normal;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Alerts</h1>
        <span class="grow"></span>
        ${this.session.author ? html`<a class="button primary" href="/insights/alerts/new">${icon('add')} New rule</a>` : nothing}
        <p class="muted">
          Rules that watch a series and open an <a href="/insights/incidents">incident</a>, of which <a href="/insights/channels">channels</a>
          tell people. Findings of high and critical severity open incidents without a rule.
        </p>
      </header>
      ${this.trouble()} ${this.sheet('Rules', this.body())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
    `
  }

  private body() {
    const { rules } = this
    if (!rules?.length)
      return this.empty(
        rules !== undefined,
        'No rules yet',
        this.session.author
          ? 'Make one: it is tried on the past before it is saved.'
          : 'Somebody who may write can make one.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Rule</th>
          <th scope="col">Watches</th>
          <th scope="col">At fault when</th>
          <th scope="col">Severity</th>
          <th scope="col">State</th>
          ${this.session.author ? html`<th scope="col"><span class="hidden-text">Actions</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${rules.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(rule: AlertRule) {
    const title = rule.displayName || idOf(rule.name)
    const { title: stands, tone, hint } = standing(rule, Date.now(), this.session.zone)
    return html`<tr>
      <td class="text"><a href="/insights/alerts/${idOf(rule.name)}">${title}</a></td>
      <td class="text">${watched(rule)}</td>
      <td class="text">${fault(rule)}${patience(rule)}</td>
      <td><span class="chip ${toneOf(rule.severity)}">${titleOf(SEVERITIES, rule.severity)}</span></td>
      <td>
        <span class="chip ${tone}" title=${hint}>${stands}</span>
        ${rule.fault ? html`<div class="small bad-text">${rule.fault}</div>` : nothing}
        ${rule.evaluateTime ? html`<div class="small muted">looked at ${when(rule.evaluateTime, this.session.zone)}</div>` : nothing}
      </td>
      ${this.session.author ? html`<td>${this.actions(rule, title)}</td>` : nothing}
    </tr>`
  }

  private actions(rule: AlertRule, title: string) {
    const snoozed = rule.snoozeUntil && timestampMs(rule.snoozeUntil) > Date.now()
    const snooze = (event: Event) => {
      const select = event.target as HTMLSelectElement
      const seconds = Number(select.value)
      select.value = ''
      void this.change(quiet(rule, { seconds }, Date.now()))
    }
    return html`<div class="row actions">
      <select aria-label="Snooze ${title}" ?disabled=${this.busy} @change=${snooze}>
        <option value="" selected>Snooze…</option>
        ${SNOOZES.map(each => html`<option value=${each.value}>${each.title}</option>`)}
        ${snoozed ? html`<option value="0">end it now</option>` : nothing}
      </select>
      <button
        aria-label="${rule.disabled ? 'Enable' : 'Disable'} ${title}"
        ?disabled=${this.busy}
        @click=${() => this.change(quiet(rule, { disabled: !rule.disabled }, Date.now()))}
      >
        ${rule.disabled ? 'Enable' : 'Disable'}
      </button>
    </div>`
  }

  private async change(alertRule: AlertRule) {
    await this.act(async () => {
      const { alertRule: made } = await alerts.updateAlertRule({ alertRule })
      this.rules = this.rules?.map(each => (each.name === made!.name ? made! : each))
    })
  }

  private async load(pageToken = '') {
    const { project: parent } = this.session
    await this.read(
      () => alerts.listAlertRules({ parent, pageSize: 100, pageToken }),
      ({ alertRules, nextPageToken }) => {
        this.rules = pageToken ? [...(this.rules ?? []), ...alertRules] : alertRules
        this.more = nextPageToken
      },
    )
  }
}
