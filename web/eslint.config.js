import js from '@eslint/js'
import globals from 'globals'
import ts from 'typescript-eslint'

// Names and values come from strangers: nothing here may turn a text into markup or a program.
const dangerous = [
  { property: 'innerHTML', message: 'Build nodes with html`…`; data is never markup.' },
  { property: 'outerHTML', message: 'Build nodes with html`…`; data is never markup.' },
  { property: 'insertAdjacentHTML', message: 'Build nodes with html`…`; data is never markup.' },
  { object: 'document', property: 'write', message: 'Build nodes with html`…`; data is never markup.' },
]
const unsafe = ['unsafe-html', 'unsafe-svg', 'unsafe-mathml'].map(name => `lit/directives/${name}.js`)

export default ts.config(
  { ignores: ['dist', 'src/gen', 'node_modules'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.recommendedTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'no-restricted-properties': ['error', ...dangerous],
      'no-restricted-imports': ['error', ...unsafe],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // In the contract an empty text is one that was left out.
      '@typescript-eslint/prefer-nullish-coalescing': 'off',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  { files: ['*.js'], languageOptions: { globals: globals.node } },
)
