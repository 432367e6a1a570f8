/** Every try to bring a message or an edition to somebody, folded away behind what came of the last. */
import { html } from 'lit'
import type { DeliveryTry } from '../gen/tidemark/v1/alert_pb'
import { duration, number } from '../model/format'
import { when } from './words'

export function triesOf(
  { tries, attempts, outcome }: { tries: DeliveryTry[]; attempts: number; outcome: string },
  zone: string,
) {
  if (!tries.length) return attempts ? `${number(attempts)}: ${outcome}` : 'none yet'
  return html`<details>
    <summary>${number(attempts)}: ${outcome}</summary>
    <ol class="small">
      ${tries.map(
        ({ startTime, elapsed, outcome: said }) =>
          html`<li>${when(startTime, zone)}${elapsed ? html`, ${duration(Number(elapsed.seconds) + elapsed.nanos / 1e9)}` : ''}: ${said}</li>`,
      )}
    </ol>
  </details>`
}
