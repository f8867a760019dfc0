@main struct Raw { static func main() {} }
