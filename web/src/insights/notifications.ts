import { LitElement, css, html } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import type { Notification } from '../gen/tidemark/v1/alert_pb'
import { triesOf } from '../common/tries'
import { idOf, when } from '../common/words'
import { NOTIFICATIONS } from './model/alert'

/** Messages that went out, or are to, each with every try. */
@customElement('tm-notifications')
export class Notifications extends LitElement {
  @property({ attribute: false }) notifications: Notification[] = []
  @property() zone = 'UTC'

  static override styles = [
    shared,
    css`
      th,
      td {
        white-space: nowrap;
      }
      td.text {
        min-width: 180px;
        white-space: normal;
        overflow-wrap: anywhere;
      }
      summary {
        cursor: pointer;
      }
      ol {
        margin: 4px 0 0;
        padding-left: 18px;
      }
    `,
  ]

  override render() {
    const { notifications } = this
    if (!notifications.length)
      return html`<div class="state" role="status"><strong>Nobody was told yet</strong><p>A channel is told when an incident opens, and when it ends.</p></div>`
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Made</th>
          <th scope="col">About</th>
          <th scope="col">By</th>
          <th scope="col">State</th>
          <th scope="col">Delivered or next try</th>
          <th scope="col">Tries</th>
        </tr>
      </thead>
      <tbody>
        ${notifications.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(each: Notification) {
    const { title, tone } = NOTIFICATIONS.find(({ value }) => value === each.state) ?? { title: '', tone: '' }
    return html`<tr>
      <td>${when(each.createTime, this.zone)}</td>
      <td class="text">
        ${each.resolved ? 'the end of ' : ''}
        ${each.incidents.map((name, at) => html`${at ? ', ' : ''}<a href="/insights/incidents/${idOf(name)}">${idOf(name)}</a>`)}
      </td>
      <td>${idOf(each.channel)}</td>
      <td><span class="chip ${tone}">${title}</span></td>
      <td>${when(each.deliverTime ?? each.nextTime, this.zone)}</td>
      <td class="text">${triesOf(each, this.zone)}</td>
    </tr>`
  }
}
