<?php
// The small wiki of the lab: a page that can only be right when the database answered.
mysqli_report(MYSQLI_REPORT_OFF);
$database = mysqli_init();
$database->options(MYSQLI_OPT_CONNECT_TIMEOUT, 1);
$up = @$database->real_connect(getenv('WIKI_DATABASE'), getenv('WIKI_USER'),
                               getenv('WIKI_PASSWORD'), 'wiki', (int)getenv('WIKI_PORT'));
if (!$up) {
    http_response_code(500);
    echo "(Cannot access the database)\n";
    return;
}
$page = $database->query('SELECT title, text FROM page WHERE id = 1');
$page = $page ? $page->fetch_assoc() : null;
if (!$page) {
    http_response_code(500);
    echo "(Cannot read the page)\n";
    return;
}
$edits = $database->query('SELECT id, at, author, text FROM edit ORDER BY id DESC LIMIT 20');
header('Content-Type: text/html; charset=utf-8');
?>
<!doctype html>
<title><?= htmlspecialchars($page['title']) ?> on <?= htmlspecialchars(getenv('WIKI_NAME')) ?></title>
<h1><?= htmlspecialchars($page['title']) ?></h1>
<p><?= htmlspecialchars($page['text']) ?></p>
<p>Served by <?= htmlspecialchars(getenv('WIKI_NAME')) ?>.</p>
<ul>
<?php while ($edit = $edits->fetch_assoc()) { ?>
<li><?= htmlspecialchars("{$edit['id']} {$edit['at']} {$edit['author']}: {$edit['text']}") ?></li>
<?php } ?>
</ul>
