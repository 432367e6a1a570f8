import { equals } from '@bufbuild/protobuf'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { cohorts } from '../client/transport'
import type { Cohort } from '../gen/tidemark/v1/cohort_pb'
import { type Filter, FilterSchema, Source } from '../gen/tidemark/v1/question_pb'
import {
  type Condition,
  type Group,
  type Node,
  OPERATORS,
  type People,
  blank,
  empty,
  read,
  takes,
  write,
} from '../model/filter'
import './complete'
import { fields, values } from './suggest'

/** Builds a condition: rows joined by and or or, groups within groups, cohorts. Rows that are not finished are kept here and
 * left out of what it gives. Dispatches `change` with a `Filter`, or undefined for none. */
@customElement('tm-filter-builder')
export class FilterBuilder extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) filter?: Filter
  /** What is filtered: events or metric points. */
  @property({ attribute: false }) source: Source = Source.EVENTS
  /** The event or metric whose fields and values are offered; any when empty. */
  @property() name = ''
  @state() private root: Group = empty()
  @state() private known?: Cohort[]

  private given?: Filter

  static override styles = [
    shared,
    css`
      :host {
        container-type: inline-size;
      }
      .group {
        display: grid;
        gap: 6px;
      }
      .group .group {
        padding: 8px;
        border: 1px dashed var(--line);
        border-radius: var(--radius-small);
      }
      .condition {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(96px, auto) minmax(0, 1.4fr) auto;
        gap: 4px;
        align-items: center;
        max-width: 900px;
      }
      .condition .everything {
        grid-column: 2 / 4;
      }
      .values {
        display: flex;
        flex-wrap: wrap;
        gap: 4px;
        align-items: center;
      }
      .condition > button {
        grid-column: 4;
      }
      @container (max-width: 480px) {
        .condition {
          grid-template-columns: minmax(0, 1fr) minmax(0, 0.8fr) auto;
        }
        .condition .values {
          grid-row: 2;
          grid-column: 1 / 3;
        }
        .condition .everything {
          grid-column: 2;
        }
        .condition > button {
          grid-column: 3;
          grid-row: 1;
        }
      }
      .values tm-complete {
        flex: 1 1 80px;
      }
      .value {
        padding-right: 2px;
        color: var(--text);
      }
      .value button {
        min-height: 18px;
        width: 18px;
      }
      .value svg {
        width: 11px;
        height: 11px;
      }
      select {
        padding-right: 2px;
      }
      .join {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .join select {
        min-height: 26px;
        padding: 1px 4px;
      }
      .foot button {
        min-height: 26px;
        padding: 0 7px;
        font-size: var(--text-small);
      }
    `,
  ]

  override willUpdate(changed: PropertyValues<this>) {
    if (!changed.has('filter') || same(this.filter, this.given)) return
    this.given = this.filter
    this.root = read(this.filter)
  }

  override render() {
    return this.group(this.root)
  }

  private group(group: Group, drop?: () => void): unknown {
    const joined = group.nodes.length > 1 || drop || group.negated
    return html`<div class="group" role="group" aria-label="Conditions">
      ${joined ? this.joiner(group, drop) : nothing}
      ${group.nodes.map((node, place) => this.node(node, () => this.change(() => group.nodes.splice(place, 1))))}
      <div class="row foot">
        <button class="quiet" @click=${() => this.change(() => group.nodes.push(blank()))}>
          ${icon('add')} Condition
        </button>
        <button class="quiet" @click=${() => this.change(() => group.nodes.push({ ...empty('any'), nodes: [blank(), blank()] }))}>
          ${icon('group')} Group
        </button>
        ${
          this.source === Source.METRICS
            ? nothing
            : html`<button class="quiet" @click=${() => this.addPeople(group)}>${icon('people')} Cohort</button>`
        }
      </div>
    </div>`
  }

  private joiner(group: Group, drop?: () => void) {
    const joins = [
      { join: 'all', negated: false, words: 'all of these' },
      { join: 'any', negated: false, words: 'any of these' },
      { join: 'any', negated: true, words: 'none of these' },
      { join: 'all', negated: true, words: 'not all of these' },
    ] as const
    const pick = (event: Event) => {
      const { join, negated } = joins[(event.target as HTMLSelectElement).selectedIndex] ?? joins[0]
      this.change(() => Object.assign(group, { join, negated }))
    }
    return html`<div class="row join">
      <select aria-label="How the conditions are joined" @change=${pick}>
        ${joins.map(
          each =>
            html`<option ?selected=${each.join === group.join && each.negated === group.negated}>${each.words}</option>`,
        )}
      </select>
      <span class="grow"></span>
      ${drop ? this.remover('Remove the group', drop) : nothing}
    </div>`
  }

  private node(node: Node, drop: () => void) {
    switch (node.kind) {
      case 'group':
        return this.group(node, drop)
      case 'people':
        return this.people(node, drop)
      case 'condition':
        return this.condition(node, drop)
    }
  }

  private condition(condition: Condition, drop: () => void) {
    const { session, source, name } = this
    const pick = (event: Event) => {
      const picked = OPERATORS[(event.target as HTMLSelectElement).selectedIndex]
      if (picked) this.change(() => (condition.operator = picked.operator))
    }
    const renamed = (event: CustomEvent<string>) => this.change(() => (condition.field = event.detail.trim()))
    return html`<div class="condition">
      <tm-complete
        label="Field"
        placeholder="field"
        .value=${condition.field}
        .suggest=${fields(session.project, source, name)}
        @change=${renamed}
      ></tm-complete>
      <select aria-label="Operator" @change=${pick}>
        ${OPERATORS.map(each => html`<option ?selected=${each.operator === condition.operator}>${each.words}</option>`)}
      </select>
      ${this.values(condition)} ${this.remover('Remove the condition', drop)}
    </div>`
  }

  private values(condition: Condition) {
    const wanted = takes(condition.operator)
    if (wanted === 'none') return nothing
    const many = wanted === 'many'
    const suggest = values(this.session.project, this.source, this.name, condition.field)
    const settled = ({ detail }: CustomEvent<string>) =>
      this.change(() => (condition.values = many ? [...new Set([...condition.values, detail])] : [detail]))
    const drop = (value: string) => () =>
      this.change(() => (condition.values = condition.values.filter(each => each !== value)))
    return html`<div class="values">
      ${
        many
          ? condition.values.map(
              value =>
                html`<span class="chip value">${value} ${this.remover(`Remove ${value}`, drop(value))}</span>`,
            )
          : nothing
      }
      <tm-complete
        label="Value"
        title="A number, true or false where it reads as one; in quotes it is a text"
        placeholder=${many ? 'add a value' : 'value'}
        .value=${many ? '' : (condition.values[0] ?? '')}
        .suggest=${suggest}
        @change=${settled}
      ></tm-complete>
    </div>`
  }

  private people(people: People, drop: () => void) {
    const joined = (event: Event) =>
      this.change(() => (people.negated = (event.target as HTMLSelectElement).selectedIndex === 1))
    const chosen = (event: Event) =>
      this.change(() => (people.cohort = (event.target as HTMLSelectElement).value))
    return html`<div class="condition">
      <select aria-label="Whether people belong to the cohort" @change=${joined}>
        <option ?selected=${!people.negated}>people in</option>
        <option ?selected=${people.negated}>people not in</option>
      </select>
      <select class="everything" aria-label="Cohort" @change=${chosen}>
        <option value="">${this.known ? (this.known.length ? 'choose a cohort' : 'there are no cohorts') : 'loading…'}</option>
        ${options(this.known, people.cohort).map(
          each =>
            html`<option value=${each.name} ?selected=${each.name === people.cohort}>${each.displayName || each.name}</option>`,
        )}
      </select>
      ${this.remover('Remove the cohort', drop)}
    </div>`
  }

  private remover(label: string, drop: () => void) {
    return html`<button class="quiet icon-only" aria-label=${label} title=${label} @click=${drop}>
      ${icon('close')}
    </button>`
  }

  private addPeople(group: Group) {
    this.change(() => group.nodes.push({ kind: 'people', cohort: '', negated: false }))
  }

  override updated() {
    if (!this.known && this.root.nodes.some(hasPeople)) void this.learn()
  }

  private learning = false
  private async learn() {
    if (this.learning) return
    this.learning = true
    const request = { parent: this.session.project, pageSize: 1000 }
    this.known = await cohorts.listCohorts(request).then(
      page => page.cohorts,
      () => [],
    )
    this.learning = false
  }

  /** Changes the tree, and tells what it means now where that is something else than before. */
  private change(how: () => unknown) {
    how()
    this.requestUpdate()
    const written = write(this.root)
    if (same(written, this.given)) return
    this.given = written
    this.dispatchEvent(new CustomEvent('change', { detail: written }))
  }
}

function same(one: Filter | undefined, other: Filter | undefined): boolean {
  return one && other ? equals(FilterSchema, one, other) : one === other
}

function hasPeople(node: Node): boolean {
  return node.kind === 'people' || (node.kind === 'group' && node.nodes.some(hasPeople))
}

/** The cohorts to choose from, with the one that is chosen even where it is gone. */
function options(known: Cohort[] | undefined, chosen: string): { name: string; displayName: string }[] {
  const listed: { name: string; displayName: string }[] = known ?? []
  if (!chosen || listed.some(each => each.name === chosen)) return listed
  return [{ name: chosen, displayName: chosen.slice(chosen.lastIndexOf('/') + 1) }, ...listed]
}
