/** Every command that ends by itself. */

import { addCheck } from './check.ts'
import { addDiff } from './diff.ts'
import { addDoctor } from './doctor.ts'
import { addExplain } from './explain.ts'
import { addHashPassword } from './hash-password.ts'
import { addImport } from './import.ts'
import { addInit } from './init.ts'
import type { AddCommand } from './io.ts'
import { addKeygen } from './keygen.ts'
import { addSchema } from './schema.ts'
import { addSessions } from './sessions.ts'
import { addTest } from './test.ts'
import { addWhoCan } from './who-can.ts'

export const COMMANDS: readonly AddCommand[] = [
  addCheck,
  addDiff,
  addDoctor,
  addExplain,
  addHashPassword,
  addImport,
  addInit,
  addKeygen,
  addSchema,
  addSessions,
  addTest,
  addWhoCan,
]
