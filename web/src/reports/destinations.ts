import { html } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { Column } from '../common/collection'
import { Receivers } from '../common/receivers'
import { titleOf } from '../common/words'
import type { Destination } from '../gen/tidemark/v1/delivery_pb'
import { deliveries } from './clients'
import { TARGETS, type Target, destination, reached } from './model/delivery'

/** Places that editions are brought to, each of which can be tried. */
@customElement('tm-destinations')
export class Destinations extends Receivers<Destination> {
  @state() private kind: Target = 'email'

  protected readonly wording = {
    title: 'Destinations',
    one: 'destination',
    about: html`Where editions are brought to, by schedules and by hand. What came of it is told under
      <a href="/reports/deliveries">deliveries</a>.`,
    none: ['Make one, then try it.', 'An administrator of the project can make one.'],
    loss: 'What was not delivered there yet is given up.',
  } as const

  protected readonly columns: Column<Destination>[] = [
    { title: 'Destination', of: each => this.titled(each), kind: 'text' },
    { title: 'Kind', of: ({ target }) => titleOf(TARGETS, target.case!) },
    { title: 'To', of: reached, kind: 'text' },
    this.standing,
  ]

  protected form() {
    const { kind } = this
    const { fields } = TARGETS.find(({ value }) => value === kind)!
    return html`<label class="field"
        >Kind
        <select @change=${(event: Event) => (this.kind = (event.target as HTMLSelectElement).value as Target)}>
          ${TARGETS.map(({ value, title }) => html`<option value=${value} ?selected=${value === kind}>${title}</option>`)}
        </select>
      </label>
      ${fields.map(
        ({ name, label, type = 'text', placeholder = '', optional }) =>
          html`<label class="field"
            >${label} <input name=${name} type=${type} placeholder=${placeholder} ?required=${!optional} autocomplete="off" />
          </label>`,
      )}`
  }

  protected async create(text: (name: string) => string) {
    const { project: parent } = this.session
    const made = await deliveries.createDestination({
      parent,
      destination: destination(this.kind, text('title'), text),
    })
    this.secret = made.secret
  }

  protected try(name: string) {
    return deliveries.testDestination({ name })
  }

  protected forget(name: string) {
    return deliveries.deleteDestination({ name })
  }

  protected async load() {
    const { project: parent } = this.session
    await this.read(
      () => deliveries.listDestinations({ parent }),
      ({ destinations }) => (this.all = destinations),
    )
  }
}
