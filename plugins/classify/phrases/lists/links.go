package lists

// links lists what a link to leave a mailing is called, in its words or address.
func links() []topic {
	return []topic{
		{"has_unsubscribe_link", `
email preferences; manage preferences; opt out; optout; unsub*; update your preferences

abbestell*; abmeld*; austragen; newsletterabmeld*

desabonn*; desinscri*; me désabonn*

baja newsletter; cancelar la suscripción; cancelar mi suscripción; cancelar suscripción; darme de baja; darse de baja; darte de baja

afmeld*; uitschrijv*

annulla iscrizione; annulla l iscrizione; cancella iscrizione; cancella l iscrizione; cancellati; disiscri*

anular a subscrição; anular subscrição; cancelar a subscrição; cancelar inscrição; cancelar subscrição; descadastr*; remover subscrição

anuluj subskrypcję; rezygnacja z subskrypcji; wypisać się; wypisz mnie; wypisz się; zrezygnuj z subskrypcji
`},
	}
}
