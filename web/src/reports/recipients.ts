/** The form of who gets a report, and what of it: recipients come in, and go out as they are chosen. */
import { create } from '@bufbuild/protobuf'
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt'
import { type TemplateResult, html, nothing } from 'lit'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { idOf } from '../common/words'
import { remover, select } from '../explorer/controls'
import '../explorer/filter-builder'
import type { Destination } from '../gen/tidemark/v1/delivery_pb'
import { type Filter, Source } from '../gen/tidemark/v1/question_pb'
import type { ReportFormat } from '../gen/tidemark/v1/report_pb'
import { type Recipient, RecipientSchema } from '../gen/tidemark/v1/schedule_pb'
import { ticks } from './forms'
import { FORMATS, LIFETIMES } from './model/edition'

type About = { session: Session; offered: readonly Destination[]; formats: readonly ReportFormat[] }
type Change = Partial<Omit<Recipient, '$typeName' | '$unknown'>>

const HELD = [
  { value: 0, title: 'files' },
  ...LIFETIMES.map(({ value, title }) => ({ value, title: `links for ${title}` })),
]

export function recipientsForm(
  about: About,
  recipients: readonly Recipient[],
  set: (recipients: Recipient[]) => void,
): TemplateResult {
  const [first] = about.offered
  const add = () => first && set([...recipients, create(RecipientSchema, { destination: first.name })])
  return html`<fieldset>
    <legend>Who gets it</legend>
    ${recipients.map((each, at) =>
      one(
        about,
        each,
        at,
        change => set(recipients.with(at, create(RecipientSchema, { ...each, ...change }))),
        () => set(recipients.toSpliced(at, 1)),
      ),
    )}
    ${
      first
        ? html`<div class="row">
            <button type="button" ?disabled=${recipients.length >= 50} @click=${add}>${icon('add')} Recipient</button>
            ${recipients.length ? nothing : html`<span class="muted small">Nobody: editions are only kept.</span>`}
          </div>`
        : html`<p class="muted small">There is no <a href="/reports/destinations">destination</a> yet: editions are only kept.</p>`
    }
  </fieldset>`
}

function one(
  about: About,
  recipient: Recipient,
  at: number,
  change: (change: Change) => void,
  drop: () => void,
) {
  const { session, offered, formats } = about
  const label = `recipient ${at + 1}`
  const places = offered.map(({ name, displayName }) => ({ value: name, title: displayName || idOf(name) }))
  if (!places.some(({ value }) => value === recipient.destination))
    places.unshift({ value: recipient.destination, title: idOf(recipient.destination) })
  const made = FORMATS.filter(({ value }) => formats.includes(value))
  const chosen = recipient.formats.length ? recipient.formats : formats
  const live = (seconds: number): Duration | undefined =>
    seconds ? create(DurationSchema, { seconds: BigInt(seconds) }) : undefined
  return html`<div class="recipient" role="group" aria-label="Recipient ${at + 1}">
    <div class="row">
      ${select(`Destination of ${label}`, places, recipient.destination, destination => change({ destination }))}
      ${select(`What ${label} gets`, HELD, Number(recipient.linkLifetime?.seconds ?? 0n), seconds =>
        change({ linkLifetime: live(seconds) }),
      )}
      ${remover(`Remove ${label}`, drop)}
    </div>
    ${
      made.length > 1
        ? ticks(`Files for ${label}`, made, chosen, some =>
            change({ formats: some.length === made.length ? [] : some }),
          )
        : nothing
    }
    <details ?open=${!!recipient.filter}>
      <summary>Only of events where…</summary>
      <tm-filter-builder
        .session=${session}
        .source=${Source.EVENTS}
        .filter=${recipient.filter}
        @change=${(event: CustomEvent<Filter | undefined>) => change({ filter: event.detail })}
      ></tm-filter-builder>
    </details>
  </div>`
}
