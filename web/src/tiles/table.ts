import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { shared } from '../app/theme/styles'
import { change, signed } from '../model/format'
import { type Row, type Sheet, sheet, sorted } from '../model/sheet'
import { numeric, written } from './cells'
import { DrawingElement, type Match } from './drawing'
import { styled } from './styled'

/** From so many rows on there is a field to search in them. */
const SEARCHED = 13
/** More rows than this are not drawn; the file of the tile has them all. */
const MOST_ROWS = 500

/** An answer as a table that can be sorted and searched, with bars behind its numbers. A click on the first cell of a row shows
 * only these; the button at its end tells who is behind it. */
@customElement('tm-table')
export class TableElement extends DrawingElement {
  @state() private by?: number
  @state() private down = true
  @state() private wanted = ''

  private sheet: Sheet = { columns: [], rows: [] }
  private most: number[] = []

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        flex-direction: column;
        gap: 6px;
        min-height: 0;
      }
      .search {
        min-height: 28px;
      }
      .scroll {
        flex: 1;
        min-height: 0;
        overflow: auto;
      }
      table {
        font-size: 13px;
      }
      th,
      td {
        padding: 4px 8px;
        max-width: 340px;
      }
      td:not(.number) {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      thead th {
        position: sticky;
        z-index: 1;
        top: 0;
        padding: 0;
        background: var(--surface);
        box-shadow: inset 0 -1px var(--line);
        border: 0;
      }
      th button {
        width: 100%;
        min-height: 28px;
        padding: 0 8px;
        gap: 3px;
        justify-content: flex-start;
        font-size: var(--text-small);
        font-weight: 560;
        white-space: normal;
      }
      th.number button {
        justify-content: flex-end;
        text-align: right;
      }
      th button svg {
        width: 11px;
        height: 11px;
      }
      th .plain {
        display: block;
        padding: 5px 8px;
      }
      .bar {
        position: relative;
        isolation: isolate;
        white-space: nowrap;
      }
      .bar::before {
        content: '';
        position: absolute;
        z-index: -1;
        inset: 3px 3px 3px auto;
        width: calc((100% - 6px) * var(--share));
        border-radius: 3px;
        background: var(--accent-soft);
      }
      .was {
        display: inline-block;
        min-width: 46px;
        margin-left: 6px;
        text-align: right;
        color: var(--muted);
        font-size: 11.5px;
      }
      .was.good {
        color: var(--good);
      }
      .was.bad {
        color: var(--bad);
      }
      tbody tr:hover {
        background: var(--sunken);
      }
      tr.other {
        color: var(--muted);
      }
      td > button {
        min-height: 24px;
        max-width: 100%;
        padding: 0 4px;
        margin: 0 -4px;
        border-color: transparent;
        background: none;
        font-weight: 450;
      }
      td.who {
        width: 26px;
        padding: 0 4px;
      }
      td.who button {
        width: 24px;
        margin: 0;
        padding: 0;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (!this.answer || (!changed.has('answer') && !changed.has('tile'))) return
    this.sheet = sheet(this.answer.result, this.question, this.tile.display?.unit)
    const { columns, rows } = this.sheet
    this.most = columns.map((_, at) =>
      Math.max(...rows.filter(row => !row.other).map(({ cells }) => Number(cells[at]) || 0)),
    )
  }

  override render() {
    const { columns, rows } = this.sheet
    const shown = sorted(rows, { by: this.by, down: this.down }, this.wanted)
    const asks = this.drill && this.answer?.result.case === 'table'
    return html`
      ${rows.length >= SEARCHED ? this.search(rows.length) : nothing}
      <div class="scroll" tabindex="0" role="group" aria-label=${this.tile.title || 'Table'}>
        <table>
          <thead>
            <tr>
              ${columns.map((column, at) => this.head(column.title, at, numeric(column)))}
              ${asks ? html`<th scope="col"><span class="hidden-text">Who</span></th>` : nothing}
            </tr>
          </thead>
          <tbody>
            ${shown.slice(0, MOST_ROWS).map(row => this.row(row, asks))}
          </tbody>
        </table>
        ${shown.length === 0 ? html`<p class="state">Nothing holds “${this.wanted}”.</p>` : nothing}
        ${
          shown.length > MOST_ROWS
            ? html`<p class="state">${MOST_ROWS} of ${shown.length} rows are shown.</p>`
            : nothing
        }
      </div>
    `
  }

  private search(rows: number) {
    return html`<input
      class="search"
      type="search"
      aria-label="Search the rows"
      placeholder="Search ${rows} rows"
      .value=${this.wanted}
      @input=${(event: Event) => (this.wanted = (event.target as HTMLInputElement).value)}
    />`
  }

  private head(title: string, at: number, right: boolean) {
    const here = this.by === at
    const sort = here ? (this.down ? 'descending' : 'ascending') : 'none'
    const turn = () => {
      this.down = here ? !this.down : right
      this.by = at
    }
    return html`<th scope="col" class=${right ? 'number' : ''} aria-sort=${sort}>
      <button class="quiet" title="Sort by ${title}" @click=${turn}>
        <span>${title}</span>${here ? icon(this.down ? 'down' : 'up') : nothing}
      </button>
    </th>`
  }

  private row(row: Row, asks: boolean) {
    const ask = () => this.point({ kind: 'row', group: row.group, other: row.other })
    return html`<tr class=${row.other ? 'other' : ''}>
      ${this.sheet.columns.map((_, at) => this.cell(row, at))}
      ${
        asks
          ? html`<td class="who">
              ${
                row.other
                  ? nothing
                  : html`<button class="quiet" aria-label="Who and what is behind ${row.group.join(', ')}" title="See what is behind it" @click=${ask}>
                      ${icon('people')}
                    </button>`
              }
            </td>`
          : nothing
      }
    </tr>`
  }

  private cell(row: Row, at: number) {
    const column = this.sheet.columns[at]!
    const value = row.cells[at]
    const text = written(value, column, this.zone, this.tile.display?.decimals)
    if (!numeric(column)) {
      const matches = at === 0 && this.drill && !row.other ? this.matching(row) : []
      if (!matches.length) return html`<td title=${text}>${text}</td>`
      const only = () => this.tell('tm-filter', matches)
      return html`<td><button class="clip" title="Show only ${text}" @click=${only}>${text}</button></td>`
    }
    const share = !row.other && this.most[at]! > 0 ? Math.max(0, Number(value) / this.most[at]!) : 0
    return html`<td class="number bar" ${styled({ '--share': share.toFixed(3) })}>
      ${text}${this.comparison(Number(value), row.previous[at] as number | null | undefined)}
    </td>`
  }

  private comparison(value: number, before: number | null | undefined) {
    if (before === undefined) return nothing
    const share = change(value, before ?? NaN)
    if (share === undefined) return html`<span class="was"></span>`
    const better =
      share === 0 ? '' : share > 0 !== (this.tile.display?.lessIsBetter ?? false) ? 'good' : 'bad'
    return html`<span class="was ${better}">${signed(share)}</span>`
  }

  private matching({ group }: Row): Match[] {
    const { question } = this.question ?? {}
    const paths = question?.case === 'table' ? question.value.groupBy : []
    return paths.map((field, place) => ({ field, value: group[place] ?? '' }))
  }
}
