/** `gatehouse keygen`: a session secret and a signing key, fresh, with the place where each goes. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is printed goes into a config file

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { AddCommand } from './io.ts'

const SECRET_BYTES = 32

export const addKeygen: AddCommand = (program, io, done) => {
  program
    .command('keygen')
    .summary('make a session secret and a signing key')
    .description(
      'Makes a session secret (32 random bytes, base64) and an ES256 private key (PKCS #8, PEM), and prints both to stdout.',
    )
    .action(() => {
      io.stdout(freshKeys())
      done(0)
    })
}

function freshKeys(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return [
    '# Seals sessions. Keep it in the environment, and in gatehouse.yaml write',
    '#   session: { secret: "${GATEHOUSE_SECRET}" }',
    `GATEHOUSE_SECRET=${randomBytes(SECRET_BYTES).toString('base64')}`,
    '',
    '# Signs the assertion for upstreams (ES256). Keep it in a file, and in gatehouse.yaml write',
    '#   identity_headers: { signing_key: "${file:signing.pem}" }',
    privateKey.export({ type: 'pkcs8', format: 'pem' }),
  ].join('\n')
}
