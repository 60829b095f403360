import packageJson from '../../package.json' with { type: 'json' }

/** Paddock's own version, "0.1.0". */
export const version: string = packageJson.version
