import { timestampMs } from '@bufbuild/protobuf/wkt'
import { css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { Interval_Unit as Unit, type RetentionGroup, type RetentionRow } from '../gen/tidemark/v1/question_pb'
import { bucket, number, percent } from '../model/format'
import { groupOf } from '../model/measures'
import { DrawingElement } from './drawing'
import { styled } from './styled'

const DAY = 86_400_000
const NAMES: Partial<Record<Unit, [name: string, width: number]>> = {
  [Unit.DAY]: ['Day', DAY],
  [Unit.WEEK]: ['Week', DAY],
  [Unit.MONTH]: ['Month', 31 * DAY],
}

/** How many come back, as a table whose cells are the warmer the more do. A click on a cell asks who. */
@customElement('tm-retention')
export class Retention extends DrawingElement {
  @state() private chosen = 0

  static override styles = [
    shared,
    css`
      :host {
        --hot: light-dark(
          color-mix(in srgb, var(--accent) 62%, var(--surface)),
          color-mix(in srgb, var(--accent) 42%, var(--surface))
        );
        display: flex;
        flex-direction: column;
        gap: 6px;
        min-height: 0;
      }
      .scroll {
        flex: 1;
        min-height: 0;
        overflow: auto;
      }
      select {
        align-self: start;
        min-height: 28px;
      }
      table {
        width: 100%;
        border-spacing: 2px;
        border-collapse: separate;
        font-size: var(--text-small);
      }
      th,
      td {
        height: 26px;
        padding: 0 6px;
        border: 0;
        white-space: nowrap;
      }
      thead th {
        text-align: right;
      }
      th:first-child {
        position: sticky;
        z-index: 1;
        left: 0;
        background: var(--surface);
        text-align: left;
      }
      tbody th {
        color: var(--text);
        font-weight: 500;
      }
      td.cell {
        min-width: 52px;
        padding: 0;
        border-radius: 3px;
        background: color-mix(in srgb, var(--hot) var(--heat), var(--sunken));
      }
      td.cell > * {
        display: block;
        width: 100%;
        min-height: 26px;
        padding: 0 6px;
        border: 0;
        background: none;
        color: var(--text);
        font-size: var(--text-small);
        font-weight: 450;
        line-height: 26px;
        text-align: right;
      }
      td.open {
        background: repeating-linear-gradient(
          -45deg,
          color-mix(in srgb, var(--hot) var(--heat), var(--sunken)) 0 4px,
          color-mix(in srgb, var(--hot) calc(var(--heat) * 0.8), var(--sunken)) 4px 8px
        );
      }
      td.open > * {
        font-style: italic;
      }
      tr.mean th,
      tr.mean td {
        font-weight: 600;
      }
    `,
  ]

  override render() {
    const { result } = this.answer ?? {}
    if (result?.case !== 'retention') return nothing
    const { groups } = result.value
    const group = groups[this.chosen] ?? groups[0]
    if (!group) return nothing
    const offsets = Math.max(group.mean.length, ...group.rows.map(row => row.back.length))
    const [name, width] = NAMES[this.period] ?? ['Period', DAY]
    return html`
      ${groups.length > 1 ? this.choice(groups) : nothing}
      <div class="scroll" tabindex="0" role="group" aria-label=${this.tile.title || 'Retention'}>
        <table>
          <thead>
            <tr>
              <th scope="col">Began</th>
              <th scope="col">People</th>
              ${Array.from({ length: offsets }, (_, at) => html`<th scope="col">${name} ${at}</th>`)}
            </tr>
          </thead>
          <tbody>
            <tr class="mean">
              <th scope="row">Mean</th>
              <td class="number">${number(group.rows.reduce((sum, row) => sum + row.people, 0n))}</td>
              ${group.mean.map(share => html`<td class="cell" ${heat(share)}><span>${percent(share)}</span></td>`)}
            </tr>
            ${group.rows.map(row => this.row(row, name, width))}
          </tbody>
        </table>
      </div>
    `
  }

  private get period(): Unit {
    const { question } = this.question ?? {}
    return (question?.case === 'retention' && question.value.period) || Unit.DAY
  }

  private choice(groups: RetentionGroup[]) {
    const pick = (event: Event) => (this.chosen = (event.target as HTMLSelectElement).selectedIndex)
    return html`<select aria-label="Group" @change=${pick}>
      ${groups.map(
        (group, at) =>
          html`<option ?selected=${at === this.chosen}>${group.all ? 'Everybody' : groupOf([group.group], group.other)}</option>`,
      )}
    </select>`
  }

  private row(row: RetentionRow, name: string, width: number) {
    const start = row.start ? timestampMs(row.start) : 0
    return html`<tr>
      <th scope="row">${bucket(start, width, this.zone)}</th>
      <td class="number">${number(row.people)}</td>
      ${row.back.map((back, at) => this.cell(row, start, back, at, name))}
    </tr>`
  }

  private cell({ people, complete }: RetentionRow, start: number, back: bigint, at: number, name: string) {
    const share = people ? Number(back) / Number(people) : NaN
    const open = at >= complete
    const title = `${number(back)} of ${number(people)} people, ${name.toLowerCase()} ${at}${open ? '; may still grow' : ''}`
    const ask = () => this.point({ kind: 'retention', start, offset: at })
    // Those behind a group of a breakdown cannot be asked for apart.
    const asks = this.drill && this.chosen === 0 && people > 0n
    return html`<td class="cell ${open ? 'open' : ''}" ${heat(share)}>
      ${
        asks
          ? html`<button title=${title} aria-label="${percent(share)}: ${title}" @click=${ask}>${percent(share)}</button>`
          : html`<span title=${title}>${percent(share)}</span>`
      }
    </td>`
  }
}

function heat(share: number) {
  return styled({ '--heat': `${Number.isFinite(share) ? Math.round(Math.sqrt(share) * 100) : 0}%` })
}
