package mail

// The events that a gateway tells of.
const (
	// Of mail accounts and smarthosts. The first of each three is for a failure, the second ends it, and so does
	// the third where a configuration was changed meanwhile.
	EventConnectError          = "connectError"
	EventConnectSuccess        = "connectSuccess"
	EventConnectReset          = "connectReset"
	EventAuthenticationError   = "authenticationError"
	EventAuthenticationSuccess = "authenticationSuccess"
	EventAuthenticationReset   = "authenticationReset"
	EventAccountDisabled       = "accountDisabled" // for failures of authentication over days

	EventDeliveryFailed   = "delivery.failed" // for good
	EventScannerDown      = "scanner.down"
	EventScannerRecovered = "scanner.recovered"
	EventPluginFailing    = "plugin.failing"
	EventPluginRecovered  = "plugin.recovered"
	EventDiskLow          = "disk.low"
	EventDiskRecovered    = "disk.recovered"
)

// Events lists all of them.
func Events() []string {
	return []string{
		EventConnectError, EventConnectSuccess, EventConnectReset, EventAuthenticationError, EventAuthenticationSuccess, EventAuthenticationReset, EventAccountDisabled,
		EventDeliveryFailed, EventScannerDown, EventScannerRecovered, EventPluginFailing, EventPluginRecovered, EventDiskLow, EventDiskRecovered,
	}
}
