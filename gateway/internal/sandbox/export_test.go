package sandbox

// Ways are those in which an instance is set back, by what the system can do.
func Ways() map[string]func(*Module) {
	return map[string]func(*Module){
		"as this system can": func(*Module) {},
		"without pagemap":    func(m *Module) { m.snapshots.pages = nil },
		"on the heap":        func(m *Module) { m.onHeap = true },
	}
}

// Settle waits until what has to be forgotten is.
func (s *Snapshots) Settle() { s.forgetting.Wait() }
