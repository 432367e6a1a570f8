import './app/theme/tokens.css'
import './app/shell'
import { start } from './app/theme/theme'

start()
