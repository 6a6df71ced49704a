//nolint:misspell // most of it is no English
package lists

// notification lists how services tell of what others, or machines, did.
func notification() []topic {
	return []topic{
		{"activity_words", `
a new message; accept invitation; accept the invitation; accepted your; added you to; answered your; approved your; assigned to you;
assigned you; build failed; build fixed; build succeeded; changed the status; commented on; commented on your; daily digest;
due tomorrow; friend request; has been closed; has been marked; has been reopened; has been resolved; has commented; has invited you;
here s what happened; invited you; invited you to; invites you to; is following you; issue closed; join the project; join the team;
join the workspace; left a comment; left a review on; left you a message; liked your; marked as; mentioned you; missed call;
needs your approval; new activity; new answer; new bid; new comment; new comments; new follower; new message from; new offer on;
new post in; new reply; new voicemail; pipeline failed; posted in; pull request; rated your; reacted to; rejected your; replied to you;
replied to your; requested access; requested your review; requests your review; sent a message; sent you a direct message;
sent you a message; shared a document; shared a file; shared a folder; shared with you; signed the document; someone is interested;
started following you; status changed; tagged you; task assigned; ticket closed; ticket has been updated; ticket resolved;
ticket updated; unread messages; unread notifications; upvoted; viewed your; waiting for your approval; wants to connect;
wants to share; was assigned to; weekly digest; weekly summary; what you missed; while you were away; wrote you a message;
you have # new; you have # unread; you have a message; you have a new; you have a new message; your listing; your week in

als erledigt markiert; als gelöst markiert; anfrage zu deiner; anfrage zu ihrer; auf deinen beitrag; auf ihren beitrag;
build fehlgeschlagen; deine anzeige; die du beobachtest; dir zugewiesen; du hast # neue; du hast eine neue; eine neue nachricht;
einladung annehmen; folgt dir; folgt ihnen; freundschaftsanfrage; gefällt dein; gefällt ihr beitrag; hat auf deine; hat auf deinen;
hat auf ihre; hat auf ihren; hat das ticket; hat den status; hat den vorgang; hat dich eingeladen; hat dich erwähnt; hat dich markiert;
hat dir eine; hat dir eine nachricht; hat dir geschrieben; hat ein dokument; hat eine datei; hat einen ordner; hat ihnen eine;
hat ihnen eine nachricht; hat ihnen geschrieben; hat kommentiert; hat sie eingeladen; hat sie erwähnt; hat sie markiert; hat sie zu;
ihnen zugewiesen; ihre anzeige; interessiert sich für; kontaktanfrage; lädt dich ein; lädt sie ein; mit dir geteilt; mit ihnen geteilt;
neue antwort; neue antworten; neue beiträge; neue bewertung für; neue kommentare; neue nachricht; neue nachrichten;
neue sprachnachricht; neuer beitrag; neuer follower; neuer kommentar; projekt beizutreten; sie beobachten; sie haben # neue;
sie haben eine neue; status geändert; status wechselte; status wurde; tagesübersicht; ticket wurde; ungelesene nachricht*;
verpasster anruf; von offen auf; vorgang wurde; wartet auf deine; wartet auf ihre; wochenbericht; wochenübersicht; wurde dir zugewiesen;
wurde gelöst; wurde geschlossen; wurde ihnen zugewiesen; zugewiesen an; zur freigabe; zur zusammenarbeit; zusammenfassung ihrer

a aimé votre; a commencé à vous suivre; a commenté; a déposé; a partagé; a répondu à votre; a téléversé; a été clôturé*; a été fermé*;
a été mis à jour; a été mise à jour; a été modifié*; a été résolu*; accepter l invitation; activité récente; appel manqué; attend votre;
changement de statut; changé de; demande a été mise; demande est; en attente de votre; intéressé par votre; marqué comme;
message non lu; messages non lus; mis à jour par; mise à jour par; nouveau commentaire; nouveau message; nouveau message vocal;
nouveaux commentaires; nouveaux messages; nouvel abonné; nouvelle publication; nouvelle réponse; nouvelles réponses; partagé avec vous;
rejoindre l espace; rejoindre le projet; résumé hebdomadaire; résumé quotidien; statut changé; t a mentionné; ticket a été;
votre annonce; vous a ajouté; vous a assigné; vous a envoyé; vous a envoyé un message; vous a identifié; vous a invité; vous a laissé;
vous a mentionné; vous a répondu; vous a écrit; vous a été assigné*; vous a été attribué*; vous avez # nouveau*;
vous avez reçu un message; vous avez un message; vous avez un nouveau; vous invite à collaborer; vous invite à rejoindre; vous observez;
vous suit; êtes observateur

a # personas les gusta; aceptar invitación; actividad reciente; actualizado por; ahora te sigue; asignado a; cambio de estado;
compartido contigo; compartió contigo; empezado a seguirte; espera tu; estado de su incidencia; ha cambiado; ha cambiado de;
ha cambiado el estado; ha comentado; ha compartido; ha respondido a tu; ha sido actualizada; ha sido actualizado; ha sido cerrado;
ha sido marcada; ha sido marcado; ha sido modificado; ha sido resuelta; ha sido resuelto; incidencia ha sido; interesado en tu;
le ha enviado un mensaje; le ha escrito; le ha gustado tu; le ha invitado; le ha mencionado; le invita a; llamada perdida;
mensaje sin leer; mensajes sin leer; nueva publicación; nueva respuesta; nuevas respuestas; nuevo comentario; nuevo mensaje;
nuevo mensaje de voz; nuevo seguidor; nuevos comentarios; nuevos mensajes; pendiente de su; pendiente de tu; resumen diario;
resumen semanal; se ha interesado; se le ha asignado; se te ha asignado; solicitud ha cambiado; su anuncio; te ha asignado;
te ha añadido; te ha dejado; te ha enviado; te ha enviado un mensaje; te ha escrito; te ha etiquetado; te ha invitado; te ha mencionado;
te invita; te invita a; te invita a unirte; te sigue; ticket ha sido; tiene # nuevos; tiene un mensaje; tiene un nuevo;
tienes # mensajes; tienes # nuevos; tienes un mensaje; tienes un nuevo; tu anuncio; unirse al proyecto; unirte al proyecto; vence mañana

aan jou toegewezen; aan u toegewezen; dagoverzicht; de vervaldatum; deelnemen aan het project; gemiste oproep; gewijzigd van;
geïnteresseerd in je; heeft de status; heeft gedeeld; heeft geplaatst; heeft gereageerd; heeft gewijzigd; heeft geüpload;
heeft je een bericht; heeft je genoemd; heeft je geschreven; heeft je getagd; heeft je toegevoegd; heeft je uitgenodigd;
heeft u een bericht; heeft u genoemd; heeft u toegevoegd; heeft u uitgenodigd; is afgehandeld; je advertentie; je hebt # nieuwe;
je hebt een bericht; je hebt een nieuw; melding is; met je gedeeld; met u gedeeld; nieuw antwoord; nieuw bericht; nieuw item;
nieuwe activiteit; nieuwe antwoorden; nieuwe berichten; nieuwe reactie; nieuwe reacties; nieuwe voicemail; nieuwe volger; nodigt je uit;
nodigt u uit; ongelezen bericht*; reactie op je; reactie op uw; reageerde op; staat een nieuw bericht; status gewijzigd;
status is gewijzigd; status van je; status van uw; stuurde u; ter goedkeuring; ticket is; toegewezen aan; u hebt een nieuw;
u heeft # nieuwe; u heeft een bericht; u heeft een nieuw; uitnodiging aanvaarden; uitnodiging accepteren; uw advertentie; vermeldde je;
vervaldatum; vindt je bericht; volgt je; wacht op je; wacht op uw; weekoverzicht; wekelijks overzicht

accetta invito; accetta l invito; aggiornata da; aggiornato da; assegnata a; assegnato a; attende la tua; attività recente; cambiato da;
cambio di stato; chiamata persa; condivisa con te; condiviso con te; ha commentato; ha condiviso; ha iniziato a seguirti;
ha risposto al tuo; ha risposto alla tua; ha un nuovo messaggio; hai # nuov*; hai un messaggio; hai un nuovo; il suo annuncio;
il tuo annuncio; interessato al tuo; l ha invitata; la invita a; la richiesta è; la segnalazione è stata chiusa;
le ha inviato un messaggio; le ha scritto; messaggi non letti; messaggio non letto; modificato da; notifiche sui; nuova risposta;
nuove risposte; nuovi commenti; nuovi messaggi; nuovo commento; nuovo follower; nuovo messaggio; nuovo messaggio vocale; nuovo post;
partecipare al progetto; piace il tuo; riepilogo giornaliero; riepilogo settimanale; stato del ticket; stato modificato; ti ha aggiunto;
ti ha assegnato; ti ha assegnato un; ti ha inviato; ti ha inviato un messaggio; ti ha invitato; ti ha lasciato; ti ha menzionato;
ti ha scritto; ti ha taggato; ti invita; ti invita a; ti segue; ticket aggiornato; unirti al progetto; è passata a; è passato a;
è stata aggiornata; è stata chiusa; è stato aggiornato; è stato chiuso; è stato risolto

aceitar o convite; adicionou a; adicionou o; adicionou te; aguarda a sua; alterado por; alteração de estado; atividade recente;
atribuiu lhe; atribuída a; atribuído a; atualizada por; atualizado por; chamada perdida; colaborar no projeto; comentou a; comentou na;
comentou no; comentou o; começou a seguir; compartilhou; convida a a; convida o a; convida te a; convidou a; convidou o; convidou te;
convidou você; deixou lhe; enviou lhe uma mensagem; enviou te uma mensagem; enviou uma mensagem; escreveu lhe; estado do ticket;
foi atualizada; foi atualizado; foi fechado; foi resolvida; foi resolvido; gostou da sua; gostou do seu; identificou o; incidente foi;
interessado no seu; juntar se ao projeto; mencionou a; mencionou o; mencionou te; mencionou você; mensagem não lida;
mensagens não lidas; mensagens por ler; mudou o estado; nova mensagem; nova publicação; nova resposta; novas mensagens; novas respostas;
novo comentário; novo correio de voz; novo seguidor; novos comentários; o estado foi alterado; o seu anúncio; partilhado consigo;
partilhou consigo; partilhou um; partilhou uma; pedido foi fechado; pendente da sua; recebeu uma mensagem; recebeu uma nova;
respondeu ao seu; respondeu à sua; resumo diário; resumo semanal; segue te; seu anúncio; tem # nov*; tem uma mensagem; tem uma nova;
tens # nov*; ticket foi; vence amanhã

czeka na twoj*; dodał cię; dodała cię; dołącz do projektu; dołączyć do projektu; masz # now*; masz nowe; masz nową wiadomość;
masz wiadomość; napisał do ciebie; napisała do ciebie; nieodebrane połączenie; nieprzeczytan*; nowa odpowiedź; nowa wiadomość;
nowa wiadomość głosowa; nowe komentarze; nowe odpowiedzi; nowe wiadomości; nowy komentarz; nowy obserwujący; nowy wpis;
odpowiedział na twój; odpowiedziała na twój; opublikował*; ostatnia aktywność; oznaczył cię; oznaczył*; oznaczyła cię;
podsumowanie tygodnia; polubił*; przyjmij zaproszenie; przypisano; przypisał*; skomentował*; status zgłoszenia; termin mija;
twoje ogłoszenie; twojego ogłoszenia; tygodniowe podsumowanie; udostępnił*; wspomniał o tobie; wspomniała o tobie; wymaga twojej;
wysłał ci wiadomość; wysłała ci wiadomość; zaakceptuj zaproszenie; zaczął cię obserwować; zaczęła cię obserwować; zaktualizowane przez;
zamknięto zgłoszenie; zaprasza cię; zaprasza cię do; zaprasza państwa do; zaprosił cię; zaprosiła cię; zgłoszenie zamknięte;
zgłoszenie zostało zamknięte; zmiana statusu; zmienione przez; zmieniono status; zmienił status; zostało rozwiązane;
zostało zaktualizowane; zostało zamknięte; zostało zmienione
`},
		{"alert_words", `
about to expire; alert resolved; alert rule; alert triggered; certificate expires; certificate will expire; changes to our;
comes into effect; cpu usage; data protection notice; degraded performance; disk space; disk usage; domain expires; domain will expire;
effective from; expires in # days; flood warning; gate change; has been published; has recovered; high cpu; high memory;
is available in your; is back up; is down; is not responding; is unreachable; is up again; job alert; jobs matching; low stock;
mailbox is almost full; mailbox is full; maintenance window; matching your search; monitor is; new jobs for; new listing; new listings;
new matches; new results for; new statement in; new terms; new version available; our terms; outage; planned maintenance; planned works;
price alert; price drop; privacy policy; properties matching; response time; saved search; scheduled maintenance; search alert;
service disruption; service update; severe weather; ssl certificate; status update; storage is almost full; take effect on;
terms and conditions; terms of service; terms of use; tls certificate; updated our; we are investigating a; we are investigating an;
we are updating; we have resolved; we re changing; we re updating; weather alert; weather warning; will expire in # days;
your certificate

alarm #; alarm ausgelöst; alarmmeldung; allgemeinen geschäftsbedingungen; amtliche warnung; antwortet nicht mehr; datenschutzerklärung;
domain läuft; eingeschränkt verfügbar; geplante wartung; hochwasser; http #; ihr postfach; ihr zertifikat; in ihrem kundenkonto bereit;
in ihrem postfach; ist ausgefallen; ist nicht erreichbar; ist wieder erreichbar; läuft in # tagen ab; neue agb; neue angebote für;
neue bedingungen; neue dokumente; neue immobilien; neue inserate; neue nutzungsbedingungen; neue stellen*; neue treffer; neue wohnung*;
neues dokument; neues schreiben; nicht mehr erreichbar; nutzungsbedingungen; passend zu deiner suche; passend zu ihrer suche;
passende stellen; passende wohnungen; postfach fast voll; postfach ist; preisalarm; schwelle überschritten; schwellenwert;
speicherplatz; ssl zertifikat; statusmeldung; sturmböen; sturmwarnung; störung; störung behoben; störungsmeldung; suchagent;
suchauftrag; treten am # in kraft; treten zum; unsere agb; unwetterwarnung; warnmeldung; warnung vor; wartungsarbeiten; wartungsfenster;
wetterwarnung; wieder online; wieder verfügbar; wurde behoben; zum # ändern; änderung unserer

abonné aux alertes; alerte; alerte #; alerte déclenchée; alerte emploi; alerte météo; alerte prix; boîte est presque pleine;
boîte mail est; certificat ssl; charge cpu; conditions d utilisation; conditions générales; correspondant à vos critères;
correspondant à votre recherche; correspondent à vos critères; correspondent à votre recherche; dans votre espace;
de nouveau disponible; entrent en vigueur; entrera en vigueur; entreront en vigueur; espace de stockage; espace disque;
est inaccessible; est indisponible; est rétabli*; expire dans # jours; expirera; http #; incident en cours; incident réseau;
incident résolu; interruption de service; maintenance programmée; maintenance prévue; ne répond plus; nom de domaine; nos conditions;
nous mettons à jour; nouveau document; nouveaux biens; nouveaux documents; nouveaux résultats; nouvelle annonce; nouvelles annonces;
nouvelles conditions; nouvelles offres; opération de maintenance; politique de confidentialité; quota atteint; recherche enregistrée;
rétabli*; taux d utilisation; vigilance jaune; vigilance orange; vigilance rouge; votre certificat; vous êtes abonné à cette

alerta; alerta de empleo; alerta de precio; alerta meteorológica; aviso meteorológico; buzón está casi lleno; buzón está lleno;
búsqueda guardada; caduca en # días; caducará en; cambios en nuestr*; certificado ssl; coincide con tu; condiciones de uso;
condiciones generales; cuota de almacenamiento; de nuevo disponible; de nuevo operativ*; el monitor; en su área; en tu área;
entran en vigor; entrará en vigor; entrarán en vigor; error http; espacio de almacenamiento; espacio en disco; está caída; está caído;
ha dejado de responder; hemos actualizado; http #; incidencia en; incidencia en curso; incidencia resuelta; interrupción del servicio;
le avisaremos cuando; mantenimiento programado; no responde http; nuestras condiciones; nuevas condiciones; nuevas ofertas de empleo;
nuevas viviendas; nuevo documento; nuevos anuncios; nuevos pisos; nuevos resultados; política de privacidad; que coinciden con;
según tu búsqueda; su búsqueda; su certificado; su dominio; te avisaremos cuando; tu búsqueda; tu certificado; tu dominio;
tus criterios; términos y condiciones; uso de cpu; ventana de mantenimiento; vuelva a estar disponible; vuelve a estar disponible

algemene voorwaarden; beperkte beschikbaarheid; code geel; code oranje; code rood; die aansluiten bij; domeinnaam verloopt;
gebruiksvoorwaarden; gepland onderhoud; http #; is niet bereikbaar; is weer bereikbaar; is weer online; je certificaat; je domein;
je zoekopdracht; mailbox is bijna vol; mailbox is vol; nieuw aanbod; nieuw document; nieuwe documenten; nieuwe huizen;
nieuwe resultaten; nieuwe vacatures; nieuwe voorwaarden; nieuwe woningen; onbereikbaar; onderhoudswerkzaamheden; onze voorwaarden;
op basis van je zoek*; opslagruimte; passen bij je; passend bij je; prijsalarm; privacybeleid; privacyverklaring; reageert niet meer;
schijfruimte; ssl certificaat; staat voor je klaar; staat voor u klaar; storing; storing opgelost; storing verholpen; treden in werking;
uw certificaat; uw domein; uw zoekopdracht; vacaturealert; verholpen; verloopt binnenkort; verloopt over # dagen; we onderzoeken een;
weer beschikbaar; weer online; weerwaarschuwing; wijzigingen in; zoekopdracht

abbiamo aggiornato; allarme; allarme #; allerta arancione; allerta gialla; allerta meteo; allerta rossa; avviso di prezzo;
casella di posta; casella è piena; casella è quasi piena; certificato ssl; condizioni d uso; condizioni generali; corrisponde alla tua;
corrispondenti alla tua; corrispondono alla tua; di nuovo online; disservizio; disservizio risolto; entrano in vigore;
entreranno in vigore; entrerà in vigore; guasto risolto; i tuoi criteri; il suo certificato; il suo dominio; il tuo certificato;
il tuo dominio; informativa sulla privacy; interruzione del servizio; irraggiungibile; la tua ricerca; manutenzione pianificata;
manutenzione programmata; modifiche ai; nella sua area; nella tua area; non risponde più; non è raggiungibile; nostre condizioni;
nuovamente disponibile; nuove condizioni; nuove offerte di lavoro; nuovi annunci; nuovi documenti; nuovi immobili; nuovi risultati;
nuovo annuncio; nuovo documento; quasi esaurito; quasi piena; ricerca salvata; scade tra # giorni; scadrà tra; spazio di archiviazione;
spazio su disco; termini e condizioni; tornato online; utilizzo cpu; utilizzo della

alerta; alerta de preço; alterações aos; atualizamos; atualizámos; avaria resolvida; aviso amarelo; aviso laranja; aviso meteorológico;
aviso vermelho; caixa de correio; caixa está quase cheia; certificado ssl; condições gerais; corresponde à sua; correspondem à sua;
deixou de responder; entram em vigor; entrará em vigor; entrarão em vigor; espaço em disco; está em baixo; está fora do ar;
expira em # dias; expirará; falha no; falha resolvida; interrupção do serviço; manutenção agendada; manutenção programada; na sua área;
nossos termos; novamente disponível; novamente online; novas condições; novas ofertas de emprego; novo anúncio; novo documento;
novos anúncios; novos documentos; novos imóveis; novos resultados; novos termos; o seu certificado; o seu domínio; os seus critérios;
pesquisa guardada; política de privacidade; serviço reposto; seu domínio; termos de serviço; termos de utilização; termos e condições;
uso de cpu; utilização de cpu

alert cenowy; awaria; awaria usunięta; awaria została; awarii; certyfikat ssl; czeka na ciebie w; domena wygasa; jest niedostępn*;
miejsca na dysku; miejsce na dysku; niedostępność; nowe dokumenty; nowe mieszkania; nowe oferty dla; nowe oferty pracy; nowe ogłoszenia;
nowe warunki; nowe wyniki; nowy dokument; nowy regulamin; ostrzeżenie #; ostrzeżenie meteorologiczne; ostrzeżenie przed; pasujące do;
planowana przerwa; polityka prywatności; polityki prywatności; ponownie dostępn*; ponownie działa; prace konserwacyjne; prace serwisowe;
przerwa techniczna; przestał odpowiadać; przestała odpowiadać; regulamin; skrzynka jest pełna; skrzynka jest prawie pełna;
spełniające twoje; twoich kryteriów; twoja domena; twoja skrzynka; twoje wyszukiwanie; twój certyfikat; usterka; użycie procesora;
wchodzą w życie; wejdzie w życie; wejdą w życie; wygasa za # dni; wygaśnie za; zapisane wyszukiwanie; zgodne z twoim; zmiana regulaminu;
zmiany w regulaminie; znów działa
`},
		{"calendar_words", `
accepted this invitation; add to calendar; cancelled event; declined this invitation; event cancelled; event details; event reminder;
event starts; following event; going yes no maybe; has accepted this invitation; has accepted your; has declined your; invitation from;
invited to the following event; organiser; organizer; reminder for; starts in # minutes; this event has been; updated invitation;
yes no maybe

aktualisierte einladung; beginnt in # minuten; folgenden termin; hat abgesagt; hat deine einladung; hat die einladung abgelehnt;
hat die einladung angenommen; hat ihre einladung; hat zugesagt; ja nein vielleicht; organisator; termin wurde abgesagt;
termin wurde geändert; terminanfrage; terminerinnerung für

a accepté l invitation; a accepté votre invitation; a décliné; a refusé votre invitation; commence dans # minutes;
invitation mise à jour; organisateur; oui non peut être; rappel d événement; événement a été; événement annulé; événement suivant

empieza en # minutos; evento cancelado; evento ha sido; ha aceptado la invitación; ha aceptado su invitación; ha aceptado tu invitación;
ha rechazado; invitación actualizada; organizador; recordatorio de evento; recordatorio del evento; siguiente evento; sí no quizás

afspraak geannuleerd; afspraak gewijzigd; begint over # minuten; bijgewerkte uitnodiging; heeft afgewezen;
heeft de uitnodiging geaccepteerd; heeft je uitnodiging; heeft uw uitnodiging; ja nee misschien; organisator; volgende afspraak;
volgende evenement; volgende gebeurtenis

evento annullato; evento è stato; ha accettato il tuo invito; ha accettato l invito; ha rifiutato; inizia tra # minuti;
invito aggiornato; organizzatore; promemoria evento; seguente evento; sì no forse

aceitou o convite; aceitou o seu convite; começa em # minutos; convite atualizado; evento cancelado; evento foi; lembrete do evento;
organizador; recusou o convite; seguinte evento; sim não talvez

następujące wydarzenie; odrzucił zaproszenie; odrzuciła zaproszenie; organizator; przyjął zaproszenie; przyjęła zaproszenie;
przypomnienie o wydarzeniu; rozpoczyna się za # minut; tak nie może; wydarzenie odwołane; wydarzenie zostało; zaakceptował zaproszenie;
zaakceptowała zaproszenie; zaktualizowane zaproszenie
`},
		{"security_words", `
if this was not you; if this was you; if this wasn t you; if you don t recognise; if you don t recognize; logged in to your; login from;
new device; new login; new sign in; password was exposed; security alert; security notice; signed in from; signed in to your;
suspicious activity; unrecognised device; unrecognized device; unusual activity; unusual sign in; was this you

anmeldung von; falls du das warst; falls sie das waren; neue anmeldung; neue anmeldung bei; neuen gerät; neuer login; neues gerät;
sicherheitshinweis; sicherheitsmeldung; sicherheitswarnung; ungewöhnliche aktivität; ungewöhnliche anmeldung; verdächtige aktivität;
waren sie das; warst du das; wenn du das nicht warst; wenn sie das nicht waren; wenn sie das waren

activité inhabituelle; activité suspecte; alerte de sécurité; connexion depuis; connexion détectée; connexion inhabituelle;
nouvel appareil; nouvelle connexion; s est connecté; si c est bien vous; si c était vous; si ce n est pas vous; si ce n était pas vous;
était ce vous

actividad inusual; actividad sospechosa; alerta de seguridad; aviso de seguridad; dispositivo nuevo; ha sido usted; has sido tú;
inicio de sesión desde; inicio de sesión en; nuevo acceso; nuevo dispositivo; nuevo inicio de sesión; si ha sido usted; si has sido tú;
si no reconoce; si no reconoces

aangemeld op; als jij dit was; als u dit was; ben jij dit; beveiligingsmelding; beveiligingswaarschuwing; herken je dit niet;
herkent u dit niet; ingelogd op; ingelogd vanaf; nieuw apparaat; nieuwe aanmelding; nieuwe inlog; nieuwe login;
ongebruikelijke activiteit; verdachte activiteit; was jij dit; was jij dit niet; was u dit; was u dit niet

accesso da; accesso insolito; attività insolita; attività sospetta; avviso di sicurezza; non riconosce; non riconosci; nuovo accesso;
nuovo dispositivo; nuovo login; se sei stato tu; sei stata tu; sei stato tu; è stato lei

alerta de segurança; atividade incomum; atividade invulgar; atividade suspeita; aviso de segurança; foi o próprio; foi você;
início de sessão; novo acesso; novo dispositivo; novo início de sessão; novo login; não reconhece; não reconheces; se foi você

alert bezpieczeństwa; czy to ty; jeśli to byłeś; jeśli to ty; logowanie z; nie rozpoznajesz; nietypowa aktywność; nietypowe logowanie;
nowe logowanie; nowe urządzenie; nowego urządzenia; ostrzeżenie o bezpieczeństwie; podejrzana aktywność; to byłeś ty; zalogowano się
`},
		{"preference_words", `
add comment; because you are an attendee; because you are subscribed to; because you are watching; because you commented;
because you follow; because you were mentioned; change how often; edit your alerts; email notifications; email settings;
how often you receive; log in to read; log in to reply; log in to view; manage alerts; manage notifications; manage preferences;
manage your notifications; mute this; no longer want to receive these notifications; notification preferences; notification settings;
notifications off; open in app; open page; reply to this email directly; reply to this message; see all activity; see the conversation;
stop receiving notifications; stop receiving these notifications; to stop receiving these; turn off emails; turn off notifications;
unfollow; unwatch; view comment; view conversation; view in app; view issue; view it on; view message; view profile; view ticket;
you are receiving this because; you are receiving this notification; you are subscribed to; you re receiving this because;
you receive this notification; you received this because; your alerts

alle aktivitäten; antworten sie direkt auf; benachrichtigung erhalten; benachrichtigungen abbestellen; benachrichtigungen deaktivieren;
benachrichtigungen in ihren; benachrichtigungen verwalten; benachrichtigungen ändern; benachrichtigungseinstellungen;
du bekommst diese email weil; du erhältst diese benachrichtigung; du erhältst diese email weil; du erhältst diese nachricht weil;
einstellungen für benachrichtigungen; email benachrichtigungen; in der app; jetzt antworten; jetzt lesen; kommentar ansehen;
melde dich an um; melden sie sich an um; nachricht ansehen; nachricht lesen; nicht mehr beobachten; profil ansehen;
sie bekommen diese email weil; sie erhalten diese benachrichtigung; sie erhalten diese email weil sie; sie erhalten diese mail weil;
sie erhalten diese nachricht weil; suchauftrag löschen; suchauftrag ändern; ticket ansehen; um die nachricht zu lesen; zum beitrag;
zum kommentar; zum vorgang; zur nachricht

car vous suivez; car vous êtes; connectez vous pour; désactiver les notifications; gérer les notifications; gérer mes;
gérer mes alertes; gérer mes notifications; gérer vos notifications; lire le message; modifier vos notifications; ne plus recevoir ces;
ouvrir dans l application; paramètres de notification; pour ne plus recevoir ces notifications; préférences de notification;
répondre au message; répondre dans; se connecter pour; voir l annonce; voir la demande; voir la discussion; voir le commentaire;
voir le message; voir le profil; voir le ticket; vos préférences de notification; vous recevez ce mail car; vous recevez ce message car;
vous recevez cet email car; vous recevez cette notification; vous êtes abonné aux

abrir en la aplicación; ajustes de notificaciones; cancelar estos avisos; configuración de notificaciones;
dejar de recibir estos avisos; demasiados correos; desactivar estos avisos; desactivar notificaciones; gestionar alertas;
gestionar notificaciones; inicia sesión para; inicie sesión para; leer el mensaje; leer mensaje; no recibir más notificaciones;
preferencias de avisos; preferencias de notificación; recibe esta notificación; recibe este mensaje porque; recibes esta notificación;
recibes este aviso; recibes este correo porque sigues; recibes este mensaje porque; responder al mensaje; ver comentario;
ver conversación; ver el anuncio; ver la incidencia; ver mensaje; ver perfil; ver publicación; ver ticket

beantwoord bericht; bekijk activiteit; bekijk bericht; bekijk de advertentie; bekijk het bericht; bekijk melding; bekijk profiel;
bekijk reactie; bekijk ticket; geen meldingen meer; geen updates meer; hoe vaak je email; inloggen om; je krijgt dit bericht omdat;
je ontvangt deze mail omdat je; je ontvangt deze melding; je ontvangt dit bericht omdat; lees bericht; lees het bericht; log in om;
meldingen aanpassen; meldingen beheren; meldingen uitschakelen; meldingen uitzetten; meldingen wijzigen; meldingsinstellingen;
notificatie instellingen; notificatieinstellingen; notificaties; open de app; u krijgt dit bericht omdat; u ontvangt deze melding;
u ontvangt dit bericht omdat; voor updates hebt aangemeld; voorkeuren voor meldingen; zoekopdracht aanpassen

accedi per; apri nell app; disattiva le notifiche; disattiva notifiche; effettua l accesso per; gestisci gli avvisi;
gestisci le notifiche; gestisci notifiche; impostazioni di notifica; leggi il messaggio; leggi messaggio; non ricevere più notifiche;
preferenze di notifica; preferenze notifiche; ricevere notifiche; ricevi questa email perché segui; ricevi questa notifica;
ricevi questo avviso; ricevi questo messaggio perché; rispondi; rispondi al messaggio; vedi commento; vedi l annuncio;
vedi la richiesta; vedi messaggio; vedi profilo; vedi ticket; visualizza commento; visualizza messaggio

abrir na aplicação; aceda para; aceitar convite; configurações de notificação; definições de notificação; definições de notificações;
deixar de receber estas notificações; desativar notificações; entre para; está a receber esta notificação; gerir alertas;
gerir notificações; inicie sessão para; ler a mensagem; ler mensagem; não receber notificações; preferências de aviso;
preferências de notificação; recebe esta mensagem porque; recebe este email porque segue; recebeu esta mensagem porque;
recebeu esta notificação; responder à mensagem; ver anúncio; ver comentário; ver conversa; ver mensagem; ver pedido; ver perfil;
ver ticket

nie chcesz otrzymywać powiadomień; odczytaj wiadomość; odpowiedz na wiadomość; otrzymujesz ten email ponieważ obserwujesz;
otrzymujesz to powiadomienie; otrzymujesz tę wiadomość bo; otrzymujesz tę wiadomość ponieważ obserwujesz; otwórz w aplikacji;
przeczytaj wiadomość; ustawienia powiadomień; ustawienia powiadomień email; ustawieniach powiadomień; wyłącz powiadomienia;
zaloguj się aby; zarządzaj powiadomieniami; zmień powiadomienia; zobacz komentarz; zobacz ogłoszenie; zobacz profil; zobacz wiadomość;
zobacz zgłoszenie
`},
	}
}
