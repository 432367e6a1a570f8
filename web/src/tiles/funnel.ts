import { durationMs } from '@bufbuild/protobuf/wkt'
import { css, html, nothing } from 'lit'
import { customElement } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import type { FunnelGroup, FunnelResult, FunnelStep } from '../gen/tidemark/v1/question_pb'
import { tokenOf } from '../model/colour'
import { duration, number, percent } from '../model/format'
import { groupOf } from '../model/measures'
import { DrawingElement } from './drawing'
import { styled } from './styled'

/** Steps of a funnel as bars beneath one another; between them how many went on, how many were lost and how long it took. With a
 * breakdown each step has a bar for each group. A click on a bar asks who came there, one on the lost who did not. */
@customElement('tm-funnel')
export class Funnel extends DrawingElement {
  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        align-content: start;
        gap: var(--space-2);
        min-height: 0;
        overflow: auto;
        container-type: inline-size;
      }
      .sum {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 14px;
        align-items: baseline;
      }
      .sum b {
        font-size: 20px;
        font-weight: 640;
        font-variant-numeric: tabular-nums;
      }
      ol {
        display: grid;
        gap: 2px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      h3 {
        display: flex;
        gap: 7px;
        color: var(--text);
        font-size: 13px;
      }
      h3 i {
        color: var(--muted);
        font-style: normal;
      }
      .bar {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 128px;
        gap: 10px;
        width: 100%;
        min-height: 28px;
        padding: 1px 0;
        align-items: center;
        border: 0;
        background: none;
        font-weight: 450;
        text-align: left;
      }
      .track {
        display: flex;
        height: 22px;
        align-items: center;
        border-radius: 4px;
        background: linear-gradient(to right, var(--colour) var(--share), var(--sunken) var(--share));
      }
      button.bar:hover .track {
        outline: 1px solid var(--line-strong);
      }
      .group .bar {
        grid-template-columns: minmax(60px, 22%) minmax(0, 1fr) 128px;
      }
      .group .track {
        height: 14px;
      }
      .bar .number b {
        font-weight: 600;
      }
      @container (max-width: 420px) {
        .bar {
          grid-template-columns: minmax(0, 1fr) 92px;
        }
        .group .bar {
          grid-template-columns: minmax(44px, 26%) minmax(0, 1fr) 92px;
        }
      }
      .between {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        padding: 0 0 6px 2px;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .between button {
        min-height: 20px;
        padding: 0 3px;
        margin: 0 -3px;
        font-size: var(--text-small);
        font-weight: 450;
      }
    `,
  ]

  override render() {
    const { result } = this.answer ?? {}
    if (result?.case !== 'funnel') return nothing
    const all = result.value.groups.find(group => group.all) ?? result.value.groups[0]
    if (!all) return nothing
    const last = all.steps.at(-1)
    const { median, p90 } = all.timeToConvert ?? {}
    return html`
      <p class="sum">
        <b>${percent(last?.ofFirst)}</b><span>of ${number(all.steps[0]?.people)} people convert</span>
        ${
          median
            ? html`<span class="muted">in ${length(median)} (half of them)${p90 ? `, ${length(p90)} (nine of ten)` : ''}</span>`
            : nothing
        }
      </p>
      <ol>
        ${all.steps.map((step, at) => this.step(result.value, all, step, at))}
      </ol>
    `
  }

  private step({ groups }: FunnelResult, all: FunnelGroup, step: FunnelStep, at: number) {
    const split = groups.filter(group => !group.all)
    return html`<li>
      ${at ? this.between(all.steps[at - 1]!, step, at) : nothing}
      <h3><i>${at + 1}</i><span class="clip">${step.displayName}</span></h3>
      ${split.length ? nothing : this.bar(step, at, 1)}
      ${split.map((group, place) => {
        const colour = group.other ? 0 : place + 1
        return html`<div class="group">${this.bar(group.steps[at]!, at, colour, group)}</div>`
      })}
    </li>`
  }

  private bar(step: FunnelStep, at: number, colour: number, group?: FunnelGroup) {
    const name = group && groupOf([group.group], group.other)
    const share = Number.isFinite(step.ofFirst) ? step.ofFirst : 0
    const track = styled({ '--share': `${(share * 100).toFixed(2)}%`, '--colour': `var(${tokenOf(colour)})` })
    const content = html`${name === undefined ? nothing : html`<span class="clip small" title=${name}>${name}</span>`}
      <span class="track" ${track}></span>
      <span class="number"><b>${number(step.people)}</b> <span class="muted">${percent(step.ofFirst)}</span></span>`
    if (!this.drill || group?.other) return html`<div class="bar">${content}</div>`
    const ask = () => this.point({ kind: 'funnel', step: at, lost: false, group: group?.group })
    return html`<button class="bar" title="Who came to ${step.displayName}" @click=${ask}>${content}</button>`
  }

  private between(before: FunnelStep, step: FunnelStep, at: number) {
    const lost = before.people - step.people
    const text = `${number(lost)} lost (${percent(1 - step.ofPrevious)})`
    const ask = () => this.point({ kind: 'funnel', step: at, lost: true })
    return html`<p class="between">
      <span>↓ ${percent(step.ofPrevious)} go on</span>
      ${this.drill ? html`<button class="quiet" title="Who was lost" @click=${ask}>${text}</button>` : html`<span>${text}</span>`}
      ${step.medianTime ? html`<span>after ${length(step.medianTime)}</span>` : nothing}
    </p>`
  }
}

function length(value: NonNullable<FunnelStep['medianTime']>): string {
  return duration(durationMs(value) / 1000)
}
