//nolint:misspell // most of it is no English
package lists

// marketing lists how firms and clubs write to all who will read it.
func marketing() []topic {
	return []topic{
		{"promotion_words", `
% discount; % off; at no extra cost; back in stock; best sellers; bestsellers; black friday; book direct; book now; buy now; buy one;
claim your; clearance; cyber monday; delivery is on us; discount code; discover our; discover the; don t miss; early bird; ends soon;
ends sunday; ends tomorrow; ends tonight; exclusive offer; final sale; flash sale; for a limited; free delivery; free for; free gift;
free shipping; from only; get started today; gift card; gift guide; half price; last chance; limited time; money back guarantee;
months free; new arrivals; new collection; new season; now only; off everything; off when you; off your next; offer ends; offer expires;
offer valid; on your next order; only # left; only today; order now; our offers; pre order; preorder; price drop on; promo code;
save up to; see all offers; shop new; shop now; shop the; special offer; spring sale; starting at; stock up; summer sale; today only;
treat yourself; try it now; two for; up to # %; upgrade and save; upgrade now; use code; view all offers; voucher code; was # now;
while stocks last; winter sale; with code; with the code; your code; your discount

% auf; % extra; % gespart; % günstiger; % nachlass; % rabatt; % reduziert; % sparen; aktionspreis; angebot der woche;
angebote der woche; ausverkauf; bestellen sie jetzt; bestseller; dein code; dein gutschein; einlösbar; einlösen; endet am; endet heute;
endet sonntag; entdecken sie; euro rabatt; euro sparen; frühbucher; frühlingsangebot; geschenk für dich; geschenk für sie;
geschenkidee*; geschenkt; gratis dazu; gratis versand; gratis zu; gratisversand; greif zu; gutschein; gutscheincode; gutscheine;
herbstangebot; ihr gutschein; jetzt bestellen; jetzt buchen; jetzt entdecken; jetzt kaufen; jetzt reservieren; jetzt shoppen;
jetzt sichern; jetzt sparen; jetzt testen; jetzt vorbestellen; jetzt zugreifen; kostenloser versand; last minute; letzte chance;
messepreis; mit code; mit dem code; neu bei uns; neu im sortiment; neue kollektion; neuheiten; nicht verpassen; noch plätze;
nur diese woche; nur dieses wochenende; nur für abonnenten; nur für kurze zeit; nur für newsletter; nur heute; nur noch bis;
nur noch heute; nur solange der vorrat reicht; prozent auf; prozent rabatt; rabattaktion; rabattcode; rabatte; reduziert; reduzierte;
schlussverkauf; schnäppchen; sicher dir; sichern sie sich; solange vorrat reicht; sommerangebot; sonderangebot; sonderpreis; sparen sie;
stark reduziert; statt #; stöbern; unsere angebote; versandkosten sparen; versandkostenfrei; vorbestellen; winterangebot; zum shop

% de remise; % de réduction; % sur; au tarif de; aujourd hui seulement; avec le code; best sellers; bon d achat; bon de réduction;
bon plan; bons plans; cadeau offert; cadeau pour; code #; code avantage; code promo; commandez maintenant; dans la limite des stocks;
de rabais; de remise; derniers jours; dernière chance; dernière minute; dernières places; découvrez notre; découvrir la collection;
découvrir nos; démarque; déstockage; euros de réduction; euros offerts; frais de port offerts; j achète; j en profite; je commande;
je découvre; je profite; jusqu à # %; jusqu à dimanche; jusqu à minuit; livraison gratuite; livraison offerte; meilleures ventes;
nos offres; nouvelle collection; offert pour; offerts pour; offre exclusive; offre limitée; offre spéciale; offre valable;
offres du moment; petit cadeau; plus que #; plus que quelques jours; prix doux; prix réduit; prix réduits; profiter de l offre;
profitez en; précommandez; quantités limitées; remise de; remises; réductions; soldes; stock limité; tarif réduit;
uniquement aujourd hui; valable jusqu au; vente privée; ventes privées; voir l offre; voir les offres; votre cadeau; votre code promo;
économisez

% de descuento; % dto; acceso anticipado; ahorra; ahorre; antes #; aprovecha; compra ahora; compra online; compra ya; comprar ahora;
con el código; código #; código de descuento; código promocional; date prisa; de descuento en; de regalo; descubre la nueva;
descuento del; descuentos; dto; envío gratis; euros de descuento; gastos de envío gratis; gratis con; hasta agotar existencias;
hasta el # %; hasta el domingo; hasta fin de existencias; hasta medianoche; hasta un # %; liquidación; lo quiero; los más vendidos;
no te lo pierdas; no te quedes sin; nuestras ofertas; nueva colección; oferta especial; oferta limitada; oferta válida;
ofertas exclusivas; pide ya; plazas limitadas; por solo; precio especial; precio rebajado; precios especiales; promociones; promoción;
promoción válida; rebajas; reserva ya; reserve ya; resérvalo; segunda unidad; solo este fin de semana; solo hoy; stock limitado;
termina el; termina hoy; termina mañana; todas las ofertas; tu código; unidades limitadas; usa el código; ver la oferta; ver oferta;
ver ofertas; última hora; última oportunidad; últimas tallas; últimas unidades; últimos días

% korting; aanbieding; aanbieding*; aanbiedingen; actiecode; actieprijs; acties; alleen dit weekend; alleen vandaag; bekijk aanbieding;
bekijk alle; bekijk de aanbieding; bespaar; bespaart; bestel direct; bestel nu; bestel online; bestel snel; bestsellers; boek direct;
boek nu; eindigt morgen; eindigt vandaag; eindigt zondag; euro korting; gebruik code; gratis bezorging; gratis bij; gratis cadeau;
gratis verzending; gratis verzonden; halve prijs; jouw code; koop nu; kortingen; kortingscode; laatste dagen; laatste kamers;
laatste kans; laatste plekken; last minute; lastminute; meest verkocht; met code; met de code; nieuw binnen; nieuwe collectie;
nog enkele; nu met; ontdek de; ontdek onze; onze aanbiedingen; op is op; procent korting; reserveer nu; shop nu; speciale aanbieding;
t m zondag; tot # % korting; uitverkoop; voor maar; voordeel; voordeelprijs; voordelig; vroegboekkorting; wees snel; wintersale;
zolang de voorraad strekt; zomersale

% di sconto; acquista ora; affrettati; anziché; approfitta; approfittane; buono sconto; codice #; codice promozionale; codice sconto;
compra ora; con il codice; di sconto; euro di sconto; fino a domenica; fino a esaurimento scorte; fino a mezzanotte; fino al # %;
il tuo codice sconto; in omaggio; in regalo; last minute; le nostre offerte; liquidazione; metà prezzo; non perdere; nuova collezione;
offerta limitata; offerta speciale; offerte speciali; omaggio; ordina ora; ordina subito; pezzi limitati; più venduti; prenota ora;
prenota subito; prezzi speciali; prezzo scontato; prezzo speciale; promozione; promozioni; regalo per; risparmi; risparmia; saldi;
salvo esaurimento; sconti; sconti fino; sconto del # %; scopri di più; scopri i; scopri il; scopri l offerta; scopri la;
scopri le offerte; scorte limitate; solo fino a domenica; solo oggi; spedizione gratis; spedizione gratuita; svendita; termina domani;
termina oggi; ultima occasione; ultimi giorni; ultimi pezzi; un regalo; usa il codice; vedi l offerta; vedi offerta

% de desconto; % desconto; apenas hoje; apresse se; aproveite; as nossas ofertas; até # %; até domingo; até à meia noite; black friday;
com o código; comprar agora; compre agora; compre já; código #; código de desconto; código promocional; descontos; economize;
encomende agora; encomende já; enquanto durar o stock; entrega grátis; envio grátis; euros de desconto; frete grátis; limitado ao stock;
liquidação; mais vendidos; metade do preço; nova coleção; não perca; o seu código de; oferta especial; oferta limitada;
ofertas exclusivas; peça já; portes gratuitos; portes grátis; poupa; poupe; preço especial; preços especiais; promoção; promoções;
reserve agora; reserve já; saldos; stock limitado; só até domingo; só este fim de semana; só hoje; termina amanhã; termina domingo;
termina hoje; unidades limitadas; use o código; vale de desconto; ver oferta; ver ofertas; última hora; última oportunidade;
últimos dias

% rabatu; % taniej; % zniżki; bestsellery; cena specjalna; ceny specjalne; darmowa dostawa; darmową dostawę; do # %; do niedzieli;
do północy; do wyczerpania zapasów; ilość ograniczona; już od; kod promocyjny; kod rabatowy; kończy się dziś; kończy się jutro;
kończy się w; kup teraz; last minute; najchętniej kupowane; nasza oferta; nie przegap; nowa kolekcja; oferta limitowana;
oferta specjalna; oferty; ograniczona liczba; okazja; okazje; ostatnia szansa; ostatnie dni; ostatnie sztuki; oszczędzaj; oszczędź;
pospiesz się; prezent dla; promocja; promocje; przecena; rabaty; sprawdź nasze; sprawdź ofertę; tańsze; twój kod rabatowy;
tylko do niedzieli; tylko dzisiaj; tylko dziś; tylko w ten weekend; użyj kodu; w prezencie; wyprzedaż*; z kodem; za pół ceny; zamiast #;
zamów online; zamów teraz; zarezerwuj; zarezerwuj teraz; zniżka; zniżkami; zniżki; zniżkę; zobacz ofertę; zobacz promocje;
zobacz więcej; zł rabatu
`},
		{"newsletter_words", `
a note from; back issue; because you signed up; because you subscribed; become a paid; dear all subscribers; dear friend; dear friends;
dear friends of; dear members and friends; dear readers; dear subscribers; dear supporters; dispatch from; follow us on;
forward this to a friend; forward to a friend; in this issue; in this month s; in this week s; is here; issue no; latest news;
monthly newsletter; monthly update; newsletter #; newsletter no; newsletter subscription; our newsletter; paid subscriber;
paying subscribers; product update; read more; reading list; season s greetings; see what s new; share this; stories from;
thank you for reading; thanks for reading; the letter no; unsubscribe from this list; update your preferences; view in browser;
view in your browser; view online; view this email in your browser; view this post on the web; weekly newsletter; what s new in;
you opted in; you re receiving this email because you are a subscriber

abonnieren; aktuelles aus; ausgabe #; das neue heft; das neue programm; du erhältst diesen newsletter; empfehlen sie uns; folge uns;
folgen sie uns; freunde des hauses; freunde unseres; hier abmelden; im browser ansehen; im browser anzeigen; im browser öffnen;
in dieser ausgabe; infobrief; liebe abonnenten; liebe abonnentinnen; liebe freundinnen und freunde; liebe gäste; liebe kunden;
liebe kundinnen; liebe leser; liebe leserinnen; liebe theaterfreunde; liebe vereinsmitglieder; mehr lesen; neuerscheinungen; neues aus;
neues von; neuigkeiten aus; newsletter #; newsletter abbestellen; online ansehen; rundbrief; sehr geehrte gäste; sehr geehrte kunden;
sie erhalten diesen newsletter; unser newsletter; unser programm; unsere neuen; unserem newsletter; unseren newsletter;
unseres newsletters; viel freude beim lesen; viel spaß beim lesen; vom newsletter abmelden; webversion; weil sie sich für unseren;
weiterlesen; weitersagen

abonnez vous; actualités de; bonne lecture; car vous êtes abonné*; cher lecteur; chers abonnés; chers amis de; chers clients;
chers lecteurs; chers spectateurs; chère lectrice; chères amies chers amis; chères lectrices; dans ce numéro; désabonnez vous;
désinscription; faites suivre; infolettre; l actualité de; la lettre de; la newsletter de; les actualités; les nouvelles de;
lettre d information; lire la suite; n # de; newsletter #; nos nouveautés; notre newsletter; notre programme; numéro du mois;
plus recevoir; se désabonner; suivez nous; version en ligne; voir dans le navigateur; voir dans votre navigateur; voir en ligne;
vous êtes inscrit; à découvrir

amigas y amigos; boletín #; boletín n #; como suscriptor; darse de baja; darte de baja; en este número; estimados clientes;
feliz lectura; gracias por leer; las novedades; leer más; n # de; newsletter #; novedades de; nuestra newsletter; nuestra programación;
nuestro boletín; porque estás suscrito; porque te has suscrito; programación de; querida lectora; queridas lectoras; querido lector;
queridos amigos de; queridos lectores; se suscribió; seguir leyendo; suscríbete; síguenos; te suscribiste; ver en el navegador;
versión web

abonneer; als relatie van; bekijk de webversie; bekijk in browser; bekijk in je browser; bekijk online; beste abonnee; beste abonnees;
beste bezoeker; beste gasten; beste kampeerder; beste klanten; beste lezer; beste lezers; beste vrienden van; deel dit;
deze nieuwsbrief; het laatste nieuws; in deze editie; in dit nummer; lees meer; lees verder; lieve lezer; lieve lezers; nieuws uit;
nieuws van; nieuwsbrief #; omdat je bent aangemeld; omdat je je hebt ingeschreven; omdat u zich heeft ingeschreven; online bekijken;
ons programma; onze nieuwsbrief; schrijf je uit; tot ziens bij; veel leesplezier; volg ons; vrienden van; webversie

amiche e amici; annulla iscrizione; buona lettura; cancella iscrizione; cancellati; cara lettrice; care lettrici; cari abbonati;
cari amici di; cari lettori; caro lettore; continua a leggere; disiscriviti; gentili clienti; gentili ospiti; grazie per aver letto;
in questo numero; iscriviti alla; la nostra programmazione; leggi di più; leggi online; leggi tutto; newsletter #; nostra newsletter;
notizie da; novità da; perché sei iscritto; perché si è iscritto; perché ti sei iscritto; seguici; ultime notizie; versione web;
visualizza nel browser; visualizza online

a nossa programação; amigas e amigos; anular subscrição; boa leitura; boas leituras; boletim #; cancelar inscrição; cancelar subscrição;
cara leitora; caro leitor; caros amigos da; caros amigos do; caros clientes; caros leitores; leia mais; ler mais; nesta edição;
newsletter #; nossa newsletter; nosso boletim; novidades da; novidades de; obrigado por ler; porque está inscrito; porque se inscreveu;
porque subscreveu; siga nos; subscreva; ver no navegador; versão online

aktualności z; co nowego; czytaj dalej; czytaj więcej; do newslettera; drodzy czytelnicy; drodzy goście; drodzy klienci;
drodzy miłośnicy; drodzy przyjaciele teatru; droga czytelniczko; drogi czytelniku; dziękujemy za lekturę; miłej lektury;
nasz newsletter; nasz program; naszego newslettera; newsletter #; nowości z; obserwuj nas; ponieważ zapisał; ponieważ zapisałaś;
ponieważ zapisałeś; rezygnacja z subskrypcji; subskrybuj; szanowni klienci; w tym numerze; w tym wydaniu; wersja online; wieści z;
wypisać się; wypisz się; wyświetl w przeglądarce; zapisałaś się; zapisałeś się; zobacz online; zobacz w przeglądarce; śledź nas
`},
		{"optout_words", `
do not want to hear; do not wish to receive; don t want to hear; don t want to receive; fewer emails; hear from us less; i won t bother;
no longer wish to receive; opt out; prefer not to hear; prefer not to receive; reply remove; reply stop; reply unsubscribe;
reply with stop; take you off

austragen; genügt eine kurze; keine einladungen mehr; keine informationen mehr; keine post mehr; keine pressemitteilungen mehr;
keine weiteren emails; keine weiteren mails; keine weiteren nachrichten; keine werbung mehr; nicht mehr erhalten möchten;
nicht mehr kontaktiert; widersprechen

ne plus recevoir de nos; ne plus recevoir nos; ne souhaitez plus recevoir; ne souhaitez plus être; pour ne plus recevoir; répondez stop;
stop à ce message

no desea recibir más; no deseas recibir; no quieres recibir más; normativa de protección de datos; protección de datos si no;
responda baja; responde baja; si no desea recibir; si no quieres recibir; si prefiere no recibir

antwoord met stop; geen berichten meer; geen herinneringen meer; geen mail meer; geen mails meer; geen nieuwsbrief meer; geen prijs op;
geen uitnodigingen meer; niet meer ontvangen meld

non desidera più ricevere; non desideri più ricevere; non ricevere più le nostre; non vuoi più ricevere le; per non ricevere;
risponda cancella; se non desidera

caso não deseje; caso não pretenda; deixar de receber estas; deixar de receber os nossos; não deseja receber; não pretende receber;
responda remover; se não desejar; se não pretender

jeśli nie jest pan; jeśli nie jest pani; nie chce pan; nie chce pani; nie chcesz dostawać; nie chcesz otrzymywać;
nie są państwo zainteresowani; nie życzy sobie; nie życzysz; nie życzą sobie; zrezygnować z otrzymywania
`},
		{"retention_words", `
a birthday present; anniversary offer; birthday gift; birthday offer; birthday treat; cart is saved; chance to win; complete your order;
complete your purchase; did you forget something; don t forget your; enjoying your; finish your order; forgot something in; giveaway;
haven t seen you; how are you finding; how did we do; how was your; how was your experience; how was your order; how was your stay;
how was your visit; how would you rate; in your cart; items in your; leave a review; left something behind; left something in;
loyalty card; loyalty points; loyalty programme; my cart; pick up where you left; prize draw; rate us; rate your; recommend us;
refer a friend; review your purchase; reward points; share your experience; share your thoughts; short survey; star rating;
still in your; still thinking about; still thinking it over; take our survey; tell us about your experience; tell us what you think;
thank you gift; treat for your birthday; waiting for you; we haven t seen you; we miss you; we value your opinion; we ve missed you;
win a; wish you a happy birthday; would you recommend; write a review; your basket; your cart; your feedback matters;
your opinion matters; your points; your review; your wishlist

an unserer umfrage; artikel warten; bestellung abschließen; bewerte jetzt; bewerten sie; bewertung; bewertungen; bonuspunkte;
dein feedback; dein warenkorb; deine bewertung; deine meinung ist uns; deinen warenkorb; du fehlst uns; eine bewertung;
eine kurze bewertung; feedback geben; freunde werben; geburtstagsgeschenk; geburtstagsgutschein; geburtstagsrabatt;
geburtstagsüberraschung; geschenk zum geburtstag; gewinne; gewinnen sie; gewinnspiel; haben sie etwas vergessen;
hast du etwas vergessen; hinterlassen sie; ihr feedback; ihr punktestand; ihr warenkorb; ihre bewertung; ihre meinung ist uns;
ihre meinung zählt; ihren warenkorb; im warenkorb; jetzt abschließen; jetzt bewerten; kauf abschließen; kundenkarte; kundenumfrage;
kundenzufriedenheit; kurze umfrage; merkzettel; mit uns zufrieden; noch in deinem; noch in ihrem; rezension; sie fehlen uns;
stammkunden*; treuepunkte; verlosen; verlosen wir; verlosung; waren sie zufrieden; weiterempfehlen; wie gefällt; wie hat es;
wie hat ihnen; wie war dein; wie war ihr; wie waren; wie zufrieden; wir haben sie vermisst; wir vermissen; wunschliste;
wünschen dir alles gute zum; wünscht ihnen alles gute; zufriedenheit; über eine bewertung

articles vous attendent; cadeau d anniversaire; carte de fidélité; comment s est passé*; de vous revoir; donner mon avis;
donnez votre avis; enquête de satisfaction; fidélité; finaliser ma commande; finalisez votre commande; gagnez; jeu concours;
laisser un avis; laissez nous; laissez un avis; ma liste; mon panier; notez votre; oublié quelque chose dans; parrainage; parrainez;
partagez votre expérience; points de fidélité; pour fêter ça; pour votre anniversaire; programme de fidélité; qu avez vous pensé;
recommanderiez vous; reprendre ma commande; répondez à notre enquête; tentez de gagner; terminer ma commande; tirage au sort;
toujours dans votre; vos points; votre avis compte; votre avis nous intéresse; votre panier; vous avez oublié; vous nous avez manqué;
vous nous manquez; vous souhaite un joyeux anniversaire; à gagner; équipe vous souhaite; évaluer; évaluez; êtes vous satisfait*

artículos en tu; breve encuesta; completa tu compra; completar mi compra; cuéntanos tu experiencia; cuéntenos su experiencia;
cómo ha ido; danos tu opinión; deja tu opinión; deja una valoración; deje una valoración; déjanos; déjenos; encuesta; fidelidad;
finaliza tu compra; finalizar compra; gana un; hace tiempo que no te vemos; invita a un amigo; nos recomendaría; nos recomendarías;
para tu cumpleaños; por tu cumpleaños; puntos de fidelidad; puntúa; qué tal su; qué tal tu; qué te ha parecido; regalo de cumpleaños;
sigue en tu; sorteo; su carrito; su opinión; su opinión nos importa; te deseamos un feliz; te echamos de menos; te esperan;
te has olvidado; termina tu compra; tu carrito; tu lista; tu opinión cuenta; tu opinión nos importa; tus puntos; valora; valora nuestro;
valora tu; volver a verte

artikelen in je; ben je iets vergeten; ben je tevreden; bent u tevreden; beoordeel; beoordeel je; beoordeel ons; beoordeling;
bestelling afmaken; bestelling afronden; deel je ervaring; deel uw ervaring; een review; feliciteren je met; feliciteren u met;
hoe bevalt; hoe tevreden; iets vergeten in; je mening telt; je punten; je winkelmand*; je winkelwagen; klantenkaart; klanttevredenheid*;
korte enquête; laat een review; maak je bestelling; maak kans; nodig vrienden uit; nog in je; prijsvraag; rond je bestelling af;
schrijf een review; spaarkaart; spaarpunten; uw mening telt; uw winkelmand*; uw winkelwagen; verjaardagscadeau; verjaardagskorting;
verlanglijst*; verloten we; verloten wij; voor je verjaardag; wachten op je; wat vind je; wat vindt u; wat vond je van; wat vond u van;
we hebben je al; we missen je; wij missen u; win een; winactie; zou je ons aanbevelen

ancora nel tuo; articoli nel; breve questionario; breve sondaggio; ci consiglieresti; ci manchi; ci sei mancat*; come si è trovat*;
come ti sei trovat*; completa il tuo acquisto; completa il tuo ordine; completa l acquisto; completa l ordine; concludi il tuo;
concludi l ordine; fedeltà; i tuoi punti; il tuo carrello; in palio; invita un amico; la sua opinione; la sua opinione conta;
la tua opinione conta; la tua opinione è importante; la tua recensione; lascia una recensione; lista dei desideri; nel carrello;
partecipa al; per il tuo compleanno; punti fedeltà; questionario; raccontaci la tua; recensisci; regalo di compleanno;
scrivi la tua recensione; scrivi una recensione; sondaggio; ti aspetta nel; ti aspettano; ti augura buon compleanno; ti auguriamo;
torna a trovarci; è da un po che non

a sua opinião conta; a sua opinião é importante; ainda no seu; artigos no seu; avalie; breve inquérito; cartão cliente; conclua a sua;
concluir compra; conte nos a sua; convide um amigo; deixe a sua avaliação; deixe a sua opinião; deixe nos; deixe uma avaliação;
deseja lhe um feliz; esqueceu se de algo; fidelidade; finalizar compra; finalize a sua; finalize o seu; ganhe; habilite se; inquérito;
lista de desejos; no carrinho; não a vemos; não o vemos; o que achou; o seu carrinho; os seus pontos; passatempo; pelo seu aniversário;
pontos de fidelidade; prenda de aniversário; presente de aniversário; questionário; recomendaria; sentimos a sua falta; seu carrinho;
sorteio; temos saudades; à sua espera

ankieta; ankietę; czeka na ciebie; czekają na ciebie; czy jesteś zadowolon*; czy polecisz; dawno cię u nas; dawno nas nie; do wygrania;
dodaj opinię; dodaj recenzję; dokończ zakupy; dokończ zamówienie; jak ci się; jak minął; jak oceniasz; jak przebiegł*; jak się podoba;
krótka ankieta; krótką ankietę; lista życzeń; lojalnościow*; losowanie; minęło trochę; nadal w twoim; oceń; podziel się opinią;
podziel się swoją opinią; poleć nas; poleć znajomym; prezent urodzinowy; produkty w koszyku; program lojalnościowy;
punkty lojalnościowe; sfinalizuj; twoim koszyku; twoja opinia; twoja opinia jest; twoje doświadczenia; twoje punkty; twoją opinię;
twój koszyk; tęsknimy; urodzinowy; w koszyku; wróć do nas; wygraj; wystaw ocenę; wystaw opinię; z okazji twoich urodzin;
zapomniałeś o czymś; życzymy wszystkiego
`},
		{"invitation_words", `
book a table; book your tickets; booth #; box office; come and visit; enrol now; enroll now; exhibition opens; few seats left;
find us at; free webinar; get your tickets; grand opening; hall # stand; invitation to our; invite you to attend; join us at;
join us for; join us live; join us on; limited places; live online; lunch menu; masterclass; new show; now booking; on our menu;
on stage; open day; open evening; places are limited; private view; register for free; register here for; register now; register today;
reserve a table; reserve your seat; rsvp; save my spot; save the date; save your spot; season tickets; seats are limited; set menu;
sign up here; sign up now; sign up today; soup of the day; spaces are limited; stand #; subscription season; tasting menu;
this week s menu; this week s specials; tickets are on sale; tickets on sale; trade fair; trade show; upcoming events; visit us at;
we are delighted to invite; we cordially invite; we d love to see you; we look forward to seeing you; we would like to invite;
you are cordially invited; you re invited to our

abendkasse; anmeldung bis; anmeldung unter; auf deinen besuch; auf der bühne; auf ihren besuch; begrenzte plätze;
begrenzte teilnehmerzahl; besuchen sie uns; besucht uns; diese woche bei uns; einladung besuchen; einladung zu unserem;
einladung zu unserer; einladung zum tag der; einladung zum webinar; einladung zur messe; eintrittsgutschein; fachmesse;
freuen uns auf ihr kommen; freuen uns auf ihren; freuen uns auf sie; halle # stand; hausmesse; herzlich eingeladen; hier anmelden;
in unserem restaurant; infoabend; informationsabend; infoveranstaltung; jetzt anmelden; jetzt platz; karten gibt es; karten sichern;
karten unter; kostenloses webinar; kursangebot; kursprogramm; kursstart; laden dich herzlich; laden sie herzlich; laden wir dich;
laden wir sie; melde dich jetzt; melde dich jetzt an; melden sie sich jetzt; melden sie sich jetzt an; menü der woche; mittagskarte;
mittagsmenü; mittagstisch; neue kurse; neue spielzeit; noch freie plätze; noch plätze frei; online seminar; platz sichern;
plätze sichern; plätze sind begrenzt; reservieren sie; sommerfest; speisekarte; spielplan; spielzeit; stand #; tag der offenen tür;
tagesgericht; tagesgerichte; tickets sichern; tisch reservieren; vernissage; vorverkauf; wir laden sie; wochenkarte; wochenmenü

au plaisir de vous accueillir; avons le plaisir de vous inviter; billetterie; entrée gratuite; entrée libre; hall # stand;
inscription avant; inscription gratuite; inscriptions ouvertes; inscrivez vous; invitation au salon; invitation à notre; je m inscris;
menu de la semaine; menu du midi; nous serions ravis de vous accueillir; nous vous attendons nombreux; nouvelle saison; places limitées;
plaisir de vous convier; plat du jour; portes ouvertes; prochaine session; prochains spectacles; ravis de vous inviter;
rendez nous visite; retrouvez nous; réserver ma place; réserver une table; réservez; réservez vos places; réservez votre place;
réservez votre table; saison #; stand #; suggestion du jour; sur inscription; venez découvrir; venez nombreux; venez nous; vernissage;
vous attendons sur notre; vous convie; vous convions; vous invite à découvrir; vous invite à sa; vous invite à son; vous invitons;
webinaire; à l affiche

abierta la inscripción; abrimos plazo; apúntate; bonificad*; cartelera; compra tus entradas; entrada gratuita; entrada libre;
entradas a la venta; esta semana en; estand; está invitado; inscribirse; inscripciones abiertas; inscripción abierta;
inscripción gratuita; inscríbase; inscríbete; jornada de puertas abiertas; le esperamos en; le invita; le invitamos; le invitamos a;
menú de esta semana; menú de la semana; menú del día; menú semanal; nos complace invitar*; nueva temporada; os esperamos en; pabellón;
plato del día; plazas abiertas; plazas disponibles; próximos eventos; puertas abiertas; quedan plazas; reserva antes; reserva mesa;
reserva tu mesa; reserva tu plaza; reserve antes; reserve mesa; reserve su mesa; reserve su plaza; stand #; taquilla;
te esperamos en nuestro; te invita a participar; te invitamos a; temporada #; tenemos el placer de invitar*; visítanos; visítenos;
webinar gratuito; últimas plazas

aanmelden kan; aanmelden via; beperkt aantal; bestel kaarten; bezoek ons op; bezoek onze; bezoek onze stand; dagschotel; deze week op;
er zijn nog; graag nodigen wij; gratis toegang; gratis webinar; hal # stand; heten je welkom; informatieavond; inloopavond;
kaartverkoop; kennissessie; koop kaarten; lunchkaart; meld je nu aan; meld u aan; meld u hier aan; menu van de week; nieuwe seizoen;
nodigen u graag; nodigen we je; nodigen we jullie; nodigen wij; nodigen wij u; nodigt je uit voor; nodigt u uit voor; nog # plaatsen;
nog plaatsen; open dag; open huis; plaatsen over; reserveer een tafel; reserveer je plek; reserveer je tafel; reserveer uw plaats;
reserveer uw tafel; schrijf je in; schrijf u in; seizoen #; stand #; toegang gratis; u bent uitgenodigd; uitnodiging kennissessie;
uitnodiging voor onze; vakbeurs; van harte uitgenodigd; vernissage; voorstellingen; we zien je graag op; weekkaart; weekmenu;
wij heten u welkom; wij zien u graag op

abbiamo il piacere di invitar*; acquista i biglietti; biglietteria; biglietti in vendita; in cartellone; ingresso gratuito;
ingresso libero; iscriviti; iscriviti ora; iscrizione gratuita; iscrizioni aperte; la invita alla; la invitiamo; la invitiamo a;
lieti di invitarvi; menu del giorno; menu della settimana; menù del giorno; menù della settimana; nuova stagione; open day; padiglione;
per iscriversi; piatto del giorno; porte aperte; posti limitati; pranzo di lavoro; prenota il tuo biglietto; prenota il tuo posto;
prenota il tuo tavolo; prenota un tavolo; prenotazione obbligatoria; prima assoluta; prossimi eventi; questa settimana da;
siamo lieti di invitar*; stagione #; stand #; ti aspettiamo in; ti invitiamo; ti invitiamo a; venite a trovarci al; vernissage;
vi aspettiamo allo; vi invita; vi invitiamo; vi invitiamo a; webinar gratuito; è invitata; è lieta di invitar*

bilheteira; bilhetes à venda; compre o seu bilhete; contamos consigo; convidamo la; convidamo lo; convidamo lo a;
convidamos a participar; convidamos a visitar; convidamos v; convidamos v exa; dia aberto; em cartaz; ementa da semana;
entrada gratuita; entrada livre; esperamos por si; esperamos por si no; esta semana na; esta semana no; está convidad*;
garanta o seu lugar; inscreva se; inscrever se; inscrição gratuita; inscrições abertas; lugares limitados; menu da semana; menu do dia;
nova temporada; pavilhão; porta aberta; prato do dia; próximos eventos; reserve a sua mesa; reserve mesa; reserve o seu lugar; stand #;
temos o gosto de convidar; temos o prazer de convidar; temporada #; vagas limitadas; vimos convidar; visite nos; webinar gratuito

bezpłatny webinar; bilety w sprzedaży; czekamy na ciebie; czekamy na państwa; danie dnia; darmowy webinar; drzwi otwarte; dzień otwarty;
hala #; kasa biletowa; kup bilet; kup bilety; liczba miejsc ograniczona; mamy przyjemność zaprosić; mamy zaszczyt zaprosić;
menu lunchowe; menu tygodnia; na scenie; nowy sezon; odwiedź nas; odwiedź nasze; repertuar; serdecznie zapraszam*;
serdecznie zapraszamy; sezon #; stoisko; stoisku; targach; udział bezpłatny; udział jest bezpłatny; w tym tygodniu w; warsztaty;
wernisaż; wolne miejsca; wstęp bezpłatny; wstęp wolny; zapisz się; zapraszamy do naszego; zapraszamy do udziału; zapraszamy na stoisko;
zapraszamy na targi; zapraszamy na webinar; zapraszamy państwa; zapraszamy serdecznie; zarejestruj się; zarezerwuj miejsce;
zarezerwuj stolik; zupa dnia
`},
		{"press_words", `
available for interview; embargo; for immediate release; high resolution images; images available; interviews available; media contact;
media enquiries; note to editors; notes for editors; notes to editors; press contact; press enquiries; press images; press kit;
press office; review copies; review copy

abdruck honorarfrei; ansprechpartner für die presse; belegexemplar; druckfähige; für rückfragen der presse; honorarfrei; presseanfragen;
pressebild; pressebilder; pressefotos; pressekontakt; pressemappe; pressematerial; pressestelle; pressetext; rezensionsexemplar;
sperrfrist; zur sofortigen veröffentlichung; zur veröffentlichung frei

contact presse; contacts presse; diffusion immédiate; dossier de presse; note aux rédactions; photos en haute définition;
photos haute définition; pour diffusion immédiate; relations presse; service de presse; sous embargo; visuels disponibles;
à l attention des rédactions; à paraître

contacto de prensa; contacto para prensa; dossier de prensa; embargado hasta; fotos en alta; gabinete de comunicación;
gabinete de prensa; imágenes en alta; material de prensa; para su difusión; para su publicación inmediata; publicación inmediata;
se ruega difusión

beeldmateriaal; embargo tot; interviewaanvragen; niet voor publicatie; noot voor de redactie; perscontact; persfoto; persfoto s;
persmap; persvoorlichting; voor meer informatie en interviews; voor redactie; vrij te gebruiken

cartella stampa; con preghiera di; contatti stampa; contatto stampa; diffusione immediata; embargo fino; foto in alta; immagini in alta;
materiale stampa; per la pubblicazione; si prega di dare; ufficio stampa

agradecemos a divulgação; assessoria de imprensa; contacto de imprensa; contacto para imprensa; divulgação imediata;
dossier de imprensa; dossiê de imprensa; embargo até; fotografias em alta; gabinete de comunicação; gabinete de imprensa;
imagens em alta; para divulgação imediata

biuro prasowe; dla mediów; do natychmiastowej publikacji; egzemplarz recenzencki; embargo do; kontakt dla mediów; kontakt dla prasy;
materiał prasowy; materiały prasowe; prosimy o publikację; zdjęcia prasowe; zdjęcia w wysokiej
`},
		{"appeal_words", `
a year s membership; adopt a; be generous; become a member today; become a patron; become a supporter; charity no; christmas appeal;
donate now; donate today; emergency appeal; every dollar; every donation; every euro; every gift; every penny; every pound; for a gift;
for a gift of; fundraiser; fundraising; gift aid; give now; give today; help us keep; leave a legacy; made before; make a difference;
make a donation; match funding; registered charity; renew your membership; sign our petition; sign the petition; sponsor a;
stand with us; support our work; support us today; tax deductible; urgent appeal; whatever you can give; whatever you can spare;
winter appeal; with your support; your donation will

bitte helfen sie; ehrenamtlich; fördermitglied; fördern sie; gemeinnützig*; helfen sie mit; helfen sie uns; ihre spende hilft;
jede spende; jeder euro; jetzt mitglied werden; jetzt spenden; mit deiner spende; mit ihrer spende; mit ihrer unterstützung;
mit nur # euro; nothilfe; pate werden; patenschaft; petition unterschreiben; schon mit # euro; spende jetzt; spenden sie; spendenaktion;
spendenaufruf; spendenkonto; steuerlich absetzbar; unterstütze uns; unterstützen sie; werden sie mitglied

adhérez; agissez; appel aux dons; appel à la générosité; avec # euros; avec votre soutien; chaque don; chaque euro; déductible;
faire un don; faites un don; grâce à votre; je donne; je fais un don; nous avons besoin de vous; parrainez un; réduction d impôt;
signez la pétition; soutenez; soutenez nous; soutenir nos; vos dons; votre don; votre générosité

apadrina; apoya nuestro; ayúdanos; ayúdenos; cada donación; cada euro; campaña de; colabora con; con # euros; con su apoyo;
con tu apoyo; desgrava*; desgravación; dona ahora; donativo; donativos; done ahora; emergencia en; firma la petición; haga su donativo;
haz tu donativo; haz un donativo; hazte socia; hazte socio hoy; necesitamos su; necesitamos tu; recaudar; su colaboración; su donativo;
tu colaboración; tu donativo; voluntari*

adopteer; aftrekbaar; donaties; doneer; doneer nu; elke euro; elke gift; geef nu; inzamelingsactie; je gift; je steun; jouw gift;
jouw steun; met # euro; met jouw steun; met uw steun; noodhulp; steun ons; teken de petitie; uw gift; vrijwilliger*; we hebben je nodig;
wij hebben uw; word donateur; word nu lid; word vriend van

# per mille; abbiamo bisogno del tuo; adotta; aiutaci; bisogno del tuo; con # euro; detraibil*; diventa socio sostenitore;
diventa volontario; dona ora; donazione; donazioni; fai una donazione; firma la petizione; il tuo sostegno; la tua donazione;
ogni donazione; ogni euro; raccolta fondi; sostieni; sostieni il; sostienici; una tua donazione

angariar; angariação; apadrinhe; assine a petição; cada donativo; cada euro; campanha de solidariedade; com # euros; com o seu apoio;
consignação; dedutível; doação; doações; doe agora; donativo; donativos; faça um donativo; faça uma doação; o seu donativo;
precisamos da sua; sua doação; torne se sócio; voluntári*

adoptuj; darowizna; darowizny; darowiznę; dołącz do nas; dzięki twojej; każda wpłata; każda złotówka; krs; numer krs; odliczyć od;
podpisz petycję; pomóż nam; potrzebujemy państwa; potrzebujemy twojej; przekaż # %; przekaż darowiznę; twoja darowizna; twoja wpłata;
wesprzyj; wesprzyj nas; wolontariusz*; wpłać teraz; wspieraj; wspomóż; z państwa pomocą; z twoją pomocą; za # zł; zbiórka; zbiórki;
zbiórkę
`},
		{"cold_sales_words", `
# min call; # minute call; # minutes call; # minutes next week; # minutes this week; are you open to; are you the right; backlink;
book a call; book a demo; boost your; brief call; bumping this; businesses like yours; came across your; came across your profile;
came across your website; circling back; circling back on; client of mine; collaboration opportunity; companies like yours;
competitive salary; contract role; cut costs; decision maker; does thursday at; does tuesday at; drop me your; exactly your background;
exciting opportunity; first page of google; following up on my email; following up on my last; following up on my previous;
for a quick call; for a short demo; free consultation; free demo; free trial; good time to chat; grab a slot in; grow your; guest post;
happy to send over; help companies; hop on a call; how you are handling; how you re handling; i am working with several; i came across;
i d like to introduce; i m working with several; i represent; i ve been following; i was looking at your; increase your; jump on a call;
just floating; last email from me; lead generation; leading provider; link exchange; love to show you; market leading; more leads;
no obligation; no strings attached; not the right person; one last email; open to new opportunities; our platform helps; partner with;
permanent role; point me in the right; qualified leads; quick call; quick chat; quick demo; rank higher; reaching out because;
reaching out to; right person at; roles in; roles up to; salary up to #; save time and; saw your profile; saw your website;
schedule a call; schedule a demo; send over some; senior roles; short call; short demo; sponsored post; the right person to;
thursday at; top of your inbox; trusted by; wanted to reach out; we specialise in; we specialize in; who is responsible;
who would be the right; work for a quick; work for a short; worth a chat; worth a quick; would love to understand;
would you be interested; would you be open; your background; your background in; your competitors; your profile on

# minuten zeit; # minütiges; an meine letzte mail; anknüpfen an meine; attraktive vergütung; attraktives gehalt; auf ihr profil;
auf ihr profil aufmerksam; auf ihr unternehmen; auf ihre webseite; auf ihre website; auf sie aufmerksam; backlink*;
bezugnehmend auf meine; bin ich auf sie; darf ich ihnen; darf ich mich; demo vereinbaren; demo zeigen; der richtige ansprechpartner;
die richtige ansprechpartnerin; dürfen wir uns vorstellen; erlaube ich mir; festanstellung; für ein kurzes; gastbeitrag; gestatten sie;
google ranking; haben sie # minuten; hätten sie; hätten sie # minuten; ich bin auf ihr; ich bin auf ihre; ich erlaube mir; ich hake;
ihr profil auf; ihr profil passt; im auftrag eines kunden; interesse an einem; interesse an einer; kennenlerngespräch;
kooperationsanfrage; kosten senken; kosten sparen; kostenlos testen; kostenlose analyse; kostenlose beratung; kostenlose erstberatung;
kostenloses erstgespräch; kurz nachhaken; kurzen austausch; kurzer austausch; kurzes gespräch; kurzes kennenlernen; kurzes telefonat;
mehr anfragen; mehr kunden; mehr umsatz; meine mail von letzter; meines mandanten; möchte ich kurz nachfragen;
möchte ich mich vorstellen; möchte ihnen; möchten ihnen; möchten wir ihnen; nachfassen; neue kunden gewinnen; neukunden*; senken sie;
spannende position*; spannende stelle; spezialisiert auf; stelle ich mich; stellen wir ihnen; suchen wir für; suchmaschinenoptimierung;
termin für ein kurzes; unser mandant; unser team unterstützt; unsere dienstleistungen; unsere leistungen; unsere lösung;
unternehmen wie das; unternehmen wie ihr*; unverbindlich*; vakanz; vereinbaren sie einen termin; wer ist bei ihnen; wie sie aktuell;
wie sie derzeit; wir sind spezialisiert; wollte nur kurz; wäre das etwas; wäre das interessant; zu einem kurzen;
zum richtigen ansprechpartner; zusammenarbeit vorschlagen

article invité; article sponsorisé; attirer de nouveaux clients; audit gratuit; augmenter votre; avez vous # minutes; bref échange;
carnet de commandes; cela vous intéresse; contact commercial; court échange; demandes de devis; devis gratuit; disponible pour un bref;
disponible pour un court; développer votre; entreprises comme la vôtre; essai gratuit; j accompagne; je me permets de revenir;
je me permets de revenir vers; je me permets de vous; je me permets de vous relancer; je suis commercial*; je suis consultant*;
la bonne personne pour; minutes cette semaine; minutes jeudi; minutes la semaine; minutes mardi; nos prestations; notre solution;
nous accompagnons; nous nous permettons de vous; nous vous contactons; nouvelle opportunité; on se parle; pour le compte;
quelques minutes pour en; qui s occupe; réduire vos; référencement; rémunération attractive; sans engagement; se parler;
seriez vous intéressé*; spécialisé*; spécialisée dans; spécialisés dans; suite à mon précédent mail; suite à mon précédent message;
un créneau de; votre parcours; votre profil a; votre profil correspond; vous faire gagner; vous faire gagner du temps; échange de liens;
échanger quelques minutes; étude gratuite; êtes vous la bonne

agendar una; agendar una breve; agendar una llamada; auditoría gratuita; aumentar sus; aumentar tus; ayudamos a empresas; breve llamada;
concertar una; demostración gratuita; dispone de # minutos; empresas como la suya; empresas como la tuya; es usted la persona;
especialistas en; especializad*; esta semana o; estaría interesad*; estarías interesad*; gestor comercial; he visto su; he visto tu;
hemos visto su; intercambio de enlaces; la persona adecuada para; la persona indicada; le interesaría; le interesaría conocer;
le ofrecemos; le presento; les ofrecemos; les presento; llamada breve; llamada rápida; líder en; me pongo en contacto con usted para;
me pongo en contacto para; mi anterior correo; mi correo anterior; nos dirigimos a; nos ponemos en contacto con usted para;
nuestra gama; nuestra solución; nuestro catálogo; nuestro equipo ayuda; oportunidad laboral; para su empresa; para tu empresa;
para un cliente; post patrocinado; presentarles; presupuesto gratuito; presupuesto sin; propuesta de colaboración; prueba gratis;
prueba gratuita; quién es el responsable; reducir costes; responsable de compras; responsable de formación; retomando;
retomo mi anterior; sin compromiso; sin coste; su perfil en; su perfil encaja; te interesaría; te interesaría conocer; te ofrecemos;
tiene # minutos; tienes # minutos; tu perfil en; tu perfil encaja; una breve; una breve llamada; una breve reunión; una demo;
una llamada de # minutos

# minuten bellen; # minuten tijd; bedrijven zoals; ben jij de juiste; bent u de juiste; bespaar tot; de juiste contactpersoon;
de juiste persoon om; de juiste persoon voor; demo inplannen; even kennismaken; gastblog; gespecialiseerd in; graag stel ik;
gratis advies; gratis demo; gratis proefperiode; gratis scan; heb je # minuten; heb je interesse; heeft u # minuten; heeft u interesse;
ik zag je; interesse in een; je profiel op linkedin; je profiel sprak; kennismakingsgesprek; kom ik terug op; kom nog even terug;
kort gesprek; kort kennismaken; korte call; korte kennismaking; kosten besparen; kwam ik tegen; kwam je profiel; kwam uw; linkbuilding;
linkruil; mag ik mij; meer klanten; meer leads; meer omzet; mijn opdrachtgever; mijn vorige mail niet; mooie functie; nieuwe uitdaging;
ons aanbod; onze oplossing; samenwerkingsvoorstel; sta je open; staat u open; stel ik mij; terugkomen op mijn vorige; tot # %;
uw bedrijf kunnen; uw profiel op; voor een klant; voor mijn klant; voor uw bedrijf; voor uw organisatie; vrijblijvend kennismaken;
vrijblijvend*; wie gaat over; wie is bij jullie; wij helpen bedrijven; wij zijn gespecialiseerd; zoekmachine*; zou u openstaan

aiutiamo le aziende; analisi gratuita; articolo sponsorizzato; avrebbe # minuti; aziende come la sua; aziende come la vostra;
breve chiamata; breve incontro; breve telefonata; chi si occupa; ci permettiamo di; consulenza gratuita; demo gratuita; fissare una;
fissare una breve; ha # minuti; hai # minuti; ho visto il; il suo profilo risponde; il suo profilo su; il tuo profilo su;
la mia precedente email; la mia precedente mail; la nostra soluzione; la persona giusta per; le interessa; le offriamo; leader nel;
leader nella; mi permetto di; mi permetto di contattarla; mi permetto di scriverle; nostra azienda specializzata; per conto di un;
per la sua azienda; per la vostra azienda; persona di riferimento; presentarvi; preventivo gratuito; proposta di collaborazione;
prova gratuita; riprendo; riprendo la mia; sarebbe interessat*; sareste interessati; saresti interessat*; scambio link; senza impegno;
specialisti in; specializzat*; ti interessa; una breve call; una breve presentazione; una call di; una demo; vi offriamo;
è lei la persona

a nossa apresentação; a nossa solução; a pessoa certa para; a pessoa indicada para; agendar uma; agendar uma breve; agendar uma reunião;
agendar uma visita; ajudamos empresas; apresentar a nossa; apresentar a nossa empresa; apresentar os nossos; apresentação de serviços;
breve chamada; chamada rápida; demonstração gratuita; diagnóstico gratuito; em nome de um; empresa especializada; empresas como a sua;
entro em contacto; escrevo lhe; especializad*; estaria interessad*; estou a contactar; ficamos ao dispor para; fico ao dispor para;
gestor comercial; junto envio a nossa apresentação; líder em; líder na; marcar uma chamada; no seguimento do meu; o meu email anterior;
o seu perfil corresponde; o seu perfil no; orçamento gratuito; orçamento grátis; para a sua empresa; parceria comercial;
pessoa indicada; proposta de parceria; quem é o responsável; reduzir custos; sem compromisso; tem # minutos; teria # minutos;
teria interesse; teste gratuito; tomo a liberdade; troca de links; uma breve reunião; uma chamada de; uma demonstração;
venho por este meio; vimos por este meio; visita sem

# minut rozmowy; # minutową; bez zobowiązań; bezpłatna konsultacja; bezpłatna wycena; bezpłatny audyt; bezpłatną konsultację;
bezpłatną wycenę; chciałabym przedstawić; chciałabym zaproponować; chciałbym przedstawić; chciałbym zaproponować;
chcielibyśmy zaproponować; czy byliby państwo; czy byłaby pani; czy byłby pan; czy są państwo; darmowy audyt; dla mojego klienta;
dla państwa firmy; dla twojej firmy; firmom takim jak; firmy takie jak; krótka prezentacja; krótka rozmowa; krótkie spotkanie;
krótkiej rozmowy; krótką prezentację; krótką rozmowę; kto jest odpowiedzialny; ma pan # minut; ma pani # minut;
moja poprzednia wiadomość; mój poprzedni mail; nasze rozwiązanie; nawet o # %; nawiązać współpracę; nawiązując do mojej;
nawiązując do poprzedniej; niezobowiązując*; nowych wyzwań; obniżyć koszty; odpowiednią osobą; oferta pracy; oferta współpracy;
oferty pracy; ofertę naszej firmy; ofertę współpracy; okres próbny; osoba odpowiedzialna; pana profil na; pani profil na;
pomagamy firmom; pozwalam sobie; pozycjonowanie; propozycja współpracy; propozycję współpracy; przedstawić naszą; przedstawić ofertę;
specjalizuje się; specjalizujemy się; specjalizując*; twój profil na; umówić rozmowę; umówić się na; wymiana linków; właściwą osobą do;
znalazłaby pani; znalazłby pan
`},
	}
}
