import { css, html, nothing, svg } from 'lit'
import { customElement } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { change, quantity, signed } from '../model/format'
import { type Chart, chart } from '../model/series'
import { DrawingElement } from './drawing'

/** What a number tile shows. */
type Figure = { value: number; before: number; unit: string; compared: boolean; chart?: Chart }

/** One number, how it compares with the period before, and the way it went. The exact value stands in the attribute `data-value`. */
@customElement('tm-number')
export class NumberElement extends DrawingElement {
  static override styles = [
    shared,
    css`
      :host {
        position: relative;
        container-type: size;
        min-height: 0;
      }
      button,
      .all {
        display: flex;
        flex-direction: column;
        align-items: flex-start;
        justify-content: flex-start;
        gap: 2px;
        width: 100%;
        height: 100%;
        padding: 0;
        border: 0;
        background: none;
        font-weight: inherit;
        text-align: left;
      }
      strong {
        max-width: 100%;
        font-size: clamp(20px, min(15cqw, 34cqh), 56px);
        font-weight: 640;
        font-variant-numeric: tabular-nums;
        letter-spacing: -0.02em;
        line-height: 1.1;
      }
      .change {
        display: inline-flex;
        align-items: center;
        gap: 5px;
        color: var(--muted);
        font-size: var(--text-small);
        max-width: 100%;
      }
      .change b {
        font-weight: 600;
        font-variant-numeric: tabular-nums;
      }
      .good b {
        color: var(--good);
      }
      .bad b {
        color: var(--bad);
      }
      svg {
        position: absolute;
        right: 0;
        bottom: 0;
        left: 0;
        width: 100%;
        height: 34%;
        pointer-events: none;
      }
      .line {
        fill: none;
        stroke: var(--c1);
        stroke-width: 1.5;
        vector-effect: non-scaling-stroke;
      }
      .area {
        fill: var(--c1);
        opacity: 0.12;
      }
      @container (max-height: 74px) {
        svg {
          display: none;
        }
      }
    `,
  ]

  override render() {
    const figure = this.figure()
    if (!figure) return nothing
    const shape = this.shape(figure.unit)
    const content = html`<strong class="clip" title=${quantity(figure.value, { unit: shape.unit })}
        >${quantity(figure.value, { ...shape, compact: true })}</strong
      >${figure.compared ? this.comparison(figure) : nothing}${figure.chart ? sparkline(figure.chart) : nothing}`
    if (!this.drill || !figure.chart) return html`<div class="all">${content}</div>`
    const [line] = figure.chart.lines
    const ask = () =>
      line && this.point({ kind: 'series', measure: line.measure, group: line.group, other: line.other })
    return html`<button title="See what is behind it" @click=${ask}>${content}</button>`
  }

  override updated() {
    const value = this.figure()?.value
    if (value === undefined) this.removeAttribute('data-value')
    else this.setAttribute('data-value', String(value))
  }

  private figure(): Figure | undefined {
    const { result } = this.answer ?? {}
    if (result?.case === 'series') {
      const drawn = chart(result.value, this.question, this.tile.display?.unit)
      const [line] = drawn.lines
      if (!line) return undefined
      const { total: value, previousTotal: before, unit, previous } = line
      return { value, before, unit, compared: previous.length > 0, chart: drawn }
    }
    if (result?.case === 'table') {
      const row = result.value.total ?? result.value.rows[0]
      const [value, before] = [row?.values[0], row?.previousValues[0]]
      if (value === undefined) return undefined
      const unit = result.value.columns[0]?.unit ?? ''
      return { value, before: before ?? NaN, unit, compared: before !== undefined }
    }
    return undefined
  }

  private comparison({ value, before, unit }: Figure) {
    const share = change(value, before)
    const shape = this.shape(unit)
    if (!Number.isFinite(before)) return nothing
    const was = `was ${quantity(before, { ...shape, compact: true })}`
    if (share === undefined) return html`<span class="change clip">${was}</span>`
    const better =
      share === 0 ? '' : share > 0 !== (this.tile.display?.lessIsBetter ?? false) ? 'good' : 'bad'
    const arrow = share > 0 ? '▲' : share < 0 ? '▼' : '■'
    return html`<span class="change ${better}" title="Compared with the period before">
      <b><span aria-hidden="true">${arrow}</span> ${signed(share)}</b><span class="clip">${was}</span>
    </span>`
  }
}

/** The way a line went, without axes: only its form. */
function sparkline({ starts, lines }: Chart) {
  const values = lines[0]?.values ?? []
  const known = values.filter(value => value !== null)
  const [least, most] = [Math.min(0, ...known), Math.max(...known)]
  if (starts.length < 2 || known.length < 2 || most === least) return nothing
  const x = (at: number) => ((at / (values.length - 1)) * 100).toFixed(2)
  const y = (value: number) => (38 - ((value - least) / (most - least)) * 36).toFixed(2)
  const points = values.flatMap((value, at) => (value === null ? [] : [`${x(at)},${y(value)}`]))
  const [first, last] = [points[0]!.split(',')[0], points.at(-1)!.split(',')[0]]
  return html`<svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">
    ${svg`<path class="area" d="M${first},40L${points.join('L')}L${last},40Z" /><path class="line" d="M${points.join('L')}" />`}
  </svg>`
}
