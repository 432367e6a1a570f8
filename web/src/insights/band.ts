import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { NOTHING, bucket as bucketName, quantity } from '../model/format'
import type { Chart } from '../model/series'
import '../tiles/plot'
import { styled } from '../tiles/styled'
import type { Look } from '../tiles/uplot'
import { type Band, drawn } from './model/band'

const COLOURS: ReadonlyMap<string, number> = new Map([['series', 1]])

/** Draws a series, what was expected of it, between which ends, and what is pointed at; tells them of the bucket under the pointer. */
@customElement('tm-band')
export class BandElement extends LitElement {
  @property({ attribute: false }) band!: Band
  @property() zone = 'UTC'
  @state() private hover?: { bucket: number; left: number }

  private chart!: Chart
  private look!: Look

  static override styles = [
    shared,
    css`
      :host {
        position: relative;
        display: flex;
        flex-direction: column;
        height: 230px;
        min-width: 0;
      }
      tm-plot {
        flex: 1;
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 2px var(--space-3);
        margin: 0;
        padding: 2px 6px 0;
        list-style: none;
        color: var(--muted);
        font-size: var(--text-small);
      }
      li {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        min-width: 0;
      }
      i {
        width: 14px;
        flex: none;
        border-top: 2px solid var(--c1);
      }
      i.expected {
        border-top-style: dashed;
      }
      i.between {
        height: 9px;
        border: 0;
        background: var(--c1);
        opacity: 0.25;
      }
      i.marked {
        width: 9px;
        height: 9px;
        border: 2px solid var(--bad);
        border-radius: 50%;
      }
      .tip {
        position: absolute;
        z-index: 2;
        top: 4px;
        left: 0;
        padding: 7px 9px;
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
        background: var(--raised);
        box-shadow: var(--shadow-raised);
        font-size: var(--text-small);
        pointer-events: none;
      }
      .tip h3 {
        color: var(--text);
      }
      dl {
        display: grid;
        grid-template-columns: auto auto;
        gap: 1px 12px;
      }
      dd {
        text-align: right;
        font-variant-numeric: tabular-nums;
      }
    `,
  ]

  override willUpdate(changed: Map<string, unknown>) {
    if (!changed.has('band')) return
    this.chart = drawn(this.band)
    this.look = {
      mode: 'line',
      stacked: false,
      colours: COLOURS,
      hidden: new Set(),
      growing: this.chart.starts.length,
    }
  }

  override render() {
    const { label, unit, expected, limit, lower, marked } = this.band
    return html`
      <tm-plot
        .chart=${this.chart}
        .look=${this.look}
        .shape=${{ unit }}
        .zone=${this.zone}
        .label=${`${label}: left and right go through its values`}
        .words=${this.words}
        @tm-hover=${(event: CustomEvent<{ bucket: number; left: number } | undefined>) => (this.hover = event.detail)}
      ></tm-plot>
      ${this.tip()}
      <ul aria-label="What is drawn">
        <li><i></i><span class="clip">${label}</span></li>
        ${expected.length ? html`<li><i class="expected"></i>${limit ? 'limit' : 'expected'}</li>` : nothing}
        ${lower.length ? html`<li><i class="between"></i>range to be expected</li>` : nothing}
        ${marked.length ? html`<li><i class="marked"></i>found</li>` : nothing}
      </ul>
    `
  }

  private tip() {
    const { hover, chart } = this
    const start = hover && chart.starts[hover.bucket]
    if (!hover || start === undefined) return nothing
    const left = hover.left > this.clientWidth / 2
    const place = `translateX(${hover.left + (left ? -14 : 14)}px) translateX(${left ? '-100%' : '0'})`
    return html`<div class="tip" ${styled({ transform: place })}>
      <h3>${bucketName(start, chart.width, this.zone)}</h3>
      <dl>${this.figures(hover.bucket).map(([title, text]) => html`<dt class="muted">${title}</dt><dd>${text}</dd>`)}</dl>
    </div>`
  }

  /** What is known of a bucket. */
  private figures(bucket: number): [title: string, text: string][] {
    const { unit, values, expected, limit, lower, upper } = this.band
    const text = (value: number | null | undefined) => quantity(value, { unit })
    const told: [string, string][] = [
      ['measured', text(values[bucket])],
      [limit ? 'limit' : 'expected', text(expected[bucket])],
      ['from', text(lower[bucket])],
      ['to', text(upper[bucket])],
    ]
    return told.filter(([, value]) => value !== NOTHING)
  }

  private words = (bucket: number): string => {
    const start = this.chart.starts[bucket]
    if (start === undefined) return ''
    const found = this.band.marked.includes(bucket) ? ', found' : ''
    const figures = this.figures(bucket).map(([title, text]) => `${title} ${text}`)
    return `${bucketName(start, this.chart.width, this.zone)}: ${figures.join(', ') || 'nothing'}${found}`
  }
}
