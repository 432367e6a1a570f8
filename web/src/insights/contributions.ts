import { LitElement, css, html } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import type { Contribution } from '../gen/tidemark/v1/insight_pb'
import { number, percent } from '../model/format'
import { leaf } from '../model/measures'
import { styled } from '../tiles/styled'

/** What each value adds to a change, as bars to the right, or to the left where it goes against it. */
@customElement('tm-contributions')
export class Contributions extends LitElement {
  @property({ attribute: false }) contributions: Contribution[] = []

  static override styles = [
    shared,
    css`
      table {
        font-size: var(--text-small);
      }
      th,
      td {
        padding: 4px 6px;
      }
      td.name {
        overflow-wrap: anywhere;
      }
      td.bar {
        width: 34%;
        min-width: 80px;
      }
      .bar div {
        height: 12px;
        border-radius: 2px;
        background: var(--c1);
        width: var(--share);
      }
      .bar .against {
        margin-left: auto;
        background: var(--c2);
      }
      @media (max-width: 480px) {
        .bar {
          display: none;
        }
      }
    `,
  ]

  override render() {
    const most = Math.max(...this.contributions.map(({ share }) => Math.abs(share)), 1e-9)
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Where</th>
          <th scope="col" class="bar"><span class="hidden-text">As a bar</span></th>
          <th scope="col" class="number">Share</th>
          <th scope="col" class="number">Before</th>
          <th scope="col" class="number">After</th>
          <th scope="col" class="number" title="How much more than its size would lead to expect">Lift</th>
        </tr>
      </thead>
      <tbody>
        ${this.contributions.map(
          ({ fields, values, share, before, after, lift }) =>
            html`<tr>
              <td class="name">${fields.map((field, at) => html`<div>${leaf(field)} = ${values[at] || '(none)'}</div>`)}</td>
              <td class="bar">
                <div class=${share < 0 ? 'against' : ''} ${styled({ '--share': `${(100 * Math.abs(share)) / most}%` })}></div>
              </td>
              <td class="number">${percent(share, 0)}</td>
              <td class="number">${number(before)}</td>
              <td class="number">${number(after)}</td>
              <td class="number">${Number.isFinite(lift) ? `${number(lift, { decimals: 1 })} ×` : '–'}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }
}
