/** Destinations: what their kinds are called and ask for, and where each leads to. */
import { type MessageInitShape, create } from '@bufbuild/protobuf'
import { type Option, listed } from '../../common/words'
import { type Destination, DestinationSchema } from '../../gen/tidemark/v1/delivery_pb'

export type Target = NonNullable<Destination['target']['case']>

/** One line of the form of a destination. */
export type Field = {
  name: string
  label: string
  placeholder?: string
  optional?: true
  type?: 'url' | 'password'
}

export const TARGETS: (Option<Target> & { fields: Field[] })[] = [
  {
    value: 'email',
    title: 'Mail',
    fields: [{ name: 'to', label: 'Addresses', placeholder: 'team@example.com; commas between several' }],
  },
  {
    value: 'webhook',
    title: 'Webhook, signed',
    fields: [{ name: 'url', label: 'Address of the web server', type: 'url', placeholder: 'https://…' }],
  },
  {
    value: 'folder',
    title: 'Folder of the server',
    fields: [
      {
        name: 'path',
        label: 'Path below the operator’s folder',
        placeholder: 'the folder itself',
        optional: true,
      },
    ],
  },
  {
    value: 's3',
    title: 'S3 bucket',
    fields: [
      {
        name: 'endpoint',
        label: 'Address',
        type: 'url',
        placeholder: 'https://s3.eu-central-1.amazonaws.com',
      },
      { name: 'region', label: 'Region', placeholder: 'us-east-1', optional: true },
      { name: 'bucket', label: 'Bucket' },
      { name: 'prefix', label: 'Keys begin with', placeholder: 'reports/', optional: true },
      { name: 'accessKeyId', label: 'Id of the access key' },
      { name: 'secretAccessKey', label: 'Its secret', type: 'password' },
    ],
  },
  {
    value: 'chat',
    title: 'Chat room',
    fields: [
      { name: 'url', label: 'Address of its incoming webhook', type: 'url', placeholder: 'https://…' },
    ],
  },
]

/** A destination of what was written. */
export function destination(kind: Target, displayName: string, text: (name: string) => string): Destination {
  const { fields } = TARGETS.find(each => each.value === kind)!
  const values = Object.fromEntries(
    fields.map(({ name }) => [name, name === 'to' ? listed(text(name)) : text(name)]),
  )
  // The fields of each kind are those of its message.
  const target = { case: kind, value: values } as MessageInitShape<typeof DestinationSchema>['target']
  return create(DestinationSchema, { displayName, target })
}

/** Where a destination leads to. */
export function reached({ target }: Destination): string {
  switch (target.case) {
    case 'webhook':
      return target.value.url
    case 'email':
      return target.value.to.join(', ')
    case 'folder':
      return target.value.path || 'the operator’s folder'
    case 's3':
      return `${target.value.endpoint}/${target.value.bucket}/${target.value.prefix}`
    case 'chat':
      return 'its incoming webhook'
    case undefined:
      return ''
  }
}
