import { css, html, nothing } from 'lit'
import { customElement } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { change, signed } from '../model/format'
import { type Row, sheet } from '../model/sheet'
import { numeric, written } from './cells'
import { DrawingElement } from './drawing'
import { styled } from './styled'

/** The rows of a table as bars, by their first number. A click shows what is behind one. */
@customElement('tm-ranks')
export class Ranks extends DrawingElement {
  static override styles = [
    shared,
    css`
      :host {
        min-height: 0;
        overflow: auto;
      }
      ol {
        display: grid;
        gap: 3px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li > * {
        position: relative;
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 10px;
        width: 100%;
        min-height: 26px;
        padding: 2px 8px;
        align-items: center;
        border: 0;
        border-radius: 4px;
        background: linear-gradient(to right, var(--accent-soft) var(--share), transparent var(--share));
        font-weight: 450;
        text-align: left;
      }
      li.other > * {
        background: linear-gradient(to right, var(--sunken) var(--share), transparent var(--share));
        color: var(--muted);
      }
      .number small {
        margin-left: 7px;
        color: var(--muted);
      }
    `,
  ]

  override render() {
    if (!this.answer) return nothing
    const { columns, rows } = sheet(this.answer.result, this.question, this.tile.display?.unit)
    const at = columns.findIndex(numeric)
    const most = Math.max(...rows.map(({ cells }) => Number(cells[at]) || 0))
    return html`<ol aria-label=${this.tile.title || 'Ranks'}>
      ${rows.map(row => {
        const text = written(row.cells[at], columns[at]!, this.zone, this.tile.display?.decimals)
        return this.row(row, row.cells.slice(0, at).join(' · '), text, at, most)
      })}
    </ol>`
  }

  private row(row: Row, label: string, text: string, at: number, most: number) {
    const [value, before] = [Number(row.cells[at]), row.previous[at]]
    const than = typeof before === 'number' ? change(value, before) : undefined
    const content = html`<span class="clip" title=${label}>${label || this.tile.title}</span
      ><span class="number">${text}${than === undefined ? nothing : html`<small>${signed(than)}</small>`}</span>`
    const style = styled({ '--share': `${(Math.max(0, value / most || 0) * 100).toFixed(1)}%` })
    const ask = () => this.point({ kind: 'row', group: row.group, other: row.other })
    return html`<li class=${row.other ? 'other' : ''}>
      ${
        this.drill && !row.other
          ? html`<button title="See what is behind it" @click=${ask} ${style}>${content}</button>`
          : html`<div ${style}>${content}</div>`
      }
    </li>`
  }
}
