/** `gatehouse keygen`: what it makes is what the config takes. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config is written with these

import { createPrivateKey } from 'node:crypto'
import { test } from 'tap'
import { GOOD, GOOD_CONFIG, load, SECRET } from '../config/config-folder.ts'
import { runCommand } from './run-command.ts'

test('a fresh secret and a fresh ES256 key, with the place where each goes', async (t) => {
  const one = await runCommand(['keygen'])
  const other = await runCommand(['keygen'])
  t.equal(one.exitCode, 0)
  const secret = /^GATEHOUSE_SECRET=(.+)$/m.exec(one.stdout)?.[1] ?? ''
  const pem = /-----BEGIN PRIVATE KEY-----[\s\S]+-----END PRIVATE KEY-----\n/.exec(one.stdout)?.[0]
  t.equal(Buffer.from(secret, 'base64').length, 32)
  t.match(createPrivateKey(pem ?? ''), {
    asymmetricKeyType: 'ec',
    asymmetricKeyDetails: { namedCurve: 'prime256v1' },
  })
  t.match(one.stdout, 'secret: "${GATEHOUSE_SECRET}"')
  t.match(one.stdout, 'signing_key: "${file:signing.pem}"')
  t.notMatch(other.stdout, secret)

  const config = GOOD_CONFIG.replace(SECRET, '"${GATEHOUSE_SECRET}"')
  const files = {
    ...GOOD,
    'gatehouse.yaml': `${config}identity_headers: { signing_key: "\${file:signing.pem}" }\n`,
    'signing.pem': pem ?? '',
  }
  const { snapshot, lines } = await load(t, files, { env: { GATEHOUSE_SECRET: secret } })
  t.strictSame(lines, [])
  t.equal(snapshot?.signingKeys[0]?.reveal(), pem)
})
