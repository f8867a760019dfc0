internal import CLinux

/// Columns of the terminal behind standard error; 80 if it is none.
package func terminalColumns() -> Int {
  let columns = clinux_terminal_columns(2)
  return columns > 0 ? Int(columns) : 80
}
