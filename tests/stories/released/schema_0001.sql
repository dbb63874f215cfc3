BEGIN TRANSACTION;
CREATE TABLE actions (
	plan_id CHAR(32) NOT NULL, 
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	parent_id INTEGER, 
	plan_step_id INTEGER NOT NULL, 
	run_step_id INTEGER, 
	finalize_step_id INTEGER, 
	input TEXT NOT NULL, 
	output TEXT NOT NULL, 
	PRIMARY KEY (plan_id, id)
)
 WITHOUT ROWID

;
INSERT INTO "actions" VALUES('12f092525742400daa7c5f7b5241be0f',1,'released.broken',NULL,1,NULL,NULL,'{}','{}');
INSERT INTO "actions" VALUES('12f092525742400daa7c5f7b5241be0f',2,'released.good',1,2,3,NULL,'{"text":"hello"}','{"said":"hello"}');
INSERT INTO "actions" VALUES('12f092525742400daa7c5f7b5241be0f',3,'released.bad',1,4,5,NULL,'{}','{}');
INSERT INTO "actions" VALUES('12f092525742400daa7c5f7b5241be0f',4,'released.reads',1,6,7,8,'{"text":{"$mcoflow_ref":{"action":2,"step":3,"path":["said"]}}}','{}');
INSERT INTO "actions" VALUES('1e3d6ce26e04416b92fd05c8b608eccb',1,'released.sleeps',NULL,1,2,NULL,'{}','{}');
INSERT INTO "actions" VALUES('46fe7985de944349867e80f9a3c56949',1,'released.reads',NULL,1,2,3,'{"text":"x"}','{}');
INSERT INTO "actions" VALUES('55afdb1248f149429e5bb10d582ec181',1,'released.good',NULL,1,2,NULL,'{"text":"hi"}','{"said":"hi"}');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE blueprints (
	plan_id CHAR(32) NOT NULL, 
	args TEXT NOT NULL, 
	hosts TEXT NOT NULL, 
	graph TEXT NOT NULL, 
	PRIMARY KEY (plan_id)
);
INSERT INTO "blueprints" VALUES('12f092525742400daa7c5f7b5241be0f','{}','[]','[[[3,[]],[5,[3]],[7,[5,3]],[8,[7]]],[[3,7]],[]]');
INSERT INTO "blueprints" VALUES('1e3d6ce26e04416b92fd05c8b608eccb','{}','[]','[[[2,[]]],[],[]]');
INSERT INTO "blueprints" VALUES('55afdb1248f149429e5bb10d582ec181','{"text":"hi"}','[]','[[[2,[]]],[],[]]');
INSERT INTO "blueprints" VALUES('46fe7985de944349867e80f9a3c56949','{"text":"x"}','[]','[[[2,[]],[3,[2]]],[],[]]');
CREATE TABLE commands (
	id CHAR(32) NOT NULL, 
	plan_id CHAR(32) NOT NULL, 
	kind TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	actor TEXT NOT NULL, 
	args TEXT NOT NULL, 
	result TEXT, 
	code TEXT NOT NULL, 
	error TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE events (
	number INTEGER NOT NULL, 
	id CHAR(32) NOT NULL, 
	plan_id CHAR(32) NOT NULL, 
	step_id INTEGER NOT NULL, 
	at DOUBLE NOT NULL, 
	kind TEXT NOT NULL, 
	value TEXT NOT NULL, 
	optional BOOLEAN NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE evidence (
	number INTEGER NOT NULL, 
	at DOUBLE NOT NULL, 
	why TEXT NOT NULL, 
	host TEXT NOT NULL, 
	request_id CHAR(32), 
	plan_id CHAR(32), 
	body BLOB NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE history (
	number INTEGER NOT NULL, 
	plan_id CHAR(32) NOT NULL, 
	at DOUBLE NOT NULL, 
	name TEXT NOT NULL, 
	world CHAR(32), 
	actor TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "history" VALUES(1,'12f092525742400daa7c5f7b5241be0f',1.79525684360034608845e+09,'start execution','4c40678374944b8a90539416ae0fb0fc','','');
INSERT INTO "history" VALUES(2,'1e3d6ce26e04416b92fd05c8b608eccb',1.79525684361409592626e+09,'start execution','4c40678374944b8a90539416ae0fb0fc','','');
INSERT INTO "history" VALUES(3,'12f092525742400daa7c5f7b5241be0f',1.79525684362269401551e+09,'pause execution','4c40678374944b8a90539416ae0fb0fc','','the mirror is away');
INSERT INTO "history" VALUES(4,'55afdb1248f149429e5bb10d582ec181',1795256843.62603,'start execution','4c40678374944b8a90539416ae0fb0fc','','');
INSERT INTO "history" VALUES(5,'55afdb1248f149429e5bb10d582ec181',1.79525684363638305665e+09,'finish execution','4c40678374944b8a90539416ae0fb0fc','','');
CREATE TABLE hosts (
	identity TEXT NOT NULL, 
	admitted BOOLEAN NOT NULL, 
	state TEXT NOT NULL, 
	simulated BOOLEAN NOT NULL, 
	collectives TEXT NOT NULL, 
	version TEXT NOT NULL, 
	wire_max INTEGER NOT NULL, 
	journal CHAR(32), 
	daemon CHAR(32), 
	executing INTEGER NOT NULL, 
	interval DOUBLE NOT NULL, 
	first_seen DOUBLE NOT NULL, 
	last_seen DOUBLE NOT NULL, 
	clock_difference DOUBLE NOT NULL, 
	facts TEXT, 
	facts_digest TEXT NOT NULL, 
	operations TEXT, 
	operations_digest TEXT NOT NULL, 
	PRIMARY KEY (identity)
);
CREATE TABLE plans (
	id CHAR(32) NOT NULL, 
	label TEXT NOT NULL, 
	action TEXT NOT NULL, 
	state TEXT NOT NULL, 
	result TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	started_at DOUBLE, 
	ended_at DOUBLE, 
	user_name TEXT NOT NULL, 
	explanation TEXT NOT NULL, 
	counts TEXT NOT NULL, 
	simulated BOOLEAN NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	owner CHAR(32), 
	epoch INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "plans" VALUES('12f092525742400daa7c5f7b5241be0f','released.broken','released.broken','paused','error',1795256843.59957,1.79525684360034608845e+09,NULL,'ann','the mirror is away','{"pending":2,"success":1,"error":1}',0,0,NULL,1,3);
INSERT INTO "plans" VALUES('1e3d6ce26e04416b92fd05c8b608eccb','released.sleeps','released.sleeps','running','pending',1.79525684361186790467e+09,1.79525684361409592626e+09,NULL,'ann','','{"suspended":1}',0,0,NULL,2,3);
INSERT INTO "plans" VALUES('55afdb1248f149429e5bb10d582ec181','released.good','released.good','stopped','success',1.79525684362304902073e+09,1795256843.62603,1.79525684363638305665e+09,'ann','','{"success":1}',0,0,NULL,1,2);
INSERT INTO "plans" VALUES('46fe7985de944349867e80f9a3c56949','released.reads','released.reads','planned','pending',1795256843.94741,NULL,NULL,'ann','','{"pending":2}',0,0,NULL,0,1);
CREATE TABLE requests (
	id CHAR(32) NOT NULL, 
	plan_id CHAR(32) NOT NULL, 
	step_id INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	host TEXT NOT NULL, 
	reply_to TEXT NOT NULL, 
	body BLOB, 
	created_at DOUBLE NOT NULL, 
	wait TEXT NOT NULL, 
	due_at DOUBLE NOT NULL, 
	run_limit DOUBLE NOT NULL, 
	grace DOUBLE NOT NULL, 
	state TEXT NOT NULL, 
	confirmed BOOLEAN NOT NULL, 
	executing BOOLEAN NOT NULL, 
	run_due_at DOUBLE, 
	cancel TEXT NOT NULL, 
	outcome TEXT, 
	reason TEXT NOT NULL, 
	ended_at DOUBLE, 
	PRIMARY KEY (id)
);
CREATE TABLE steps (
	plan_id CHAR(32) NOT NULL, 
	id INTEGER NOT NULL, 
	action_id INTEGER NOT NULL, 
	phase TEXT NOT NULL, 
	action TEXT NOT NULL, 
	state TEXT NOT NULL, 
	host TEXT, 
	queue TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	outcome TEXT, 
	reason TEXT NOT NULL, 
	error TEXT, 
	warnings TEXT, 
	started_at DOUBLE, 
	ended_at DOUBLE, 
	execution_time DOUBLE NOT NULL, 
	PRIMARY KEY (plan_id, id)
)
 WITHOUT ROWID

;
INSERT INTO "steps" VALUES('12f092525742400daa7c5f7b5241be0f',1,1,'plan','released.broken','success',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('12f092525742400daa7c5f7b5241be0f',2,2,'plan','released.good','success',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('12f092525742400daa7c5f7b5241be0f',3,2,'run','released.good','success',NULL,'default',1,NULL,'',NULL,NULL,1.79525684360034608845e+09,1.79525684360843205454e+09,1.37297000037506222724e-04);
INSERT INTO "steps" VALUES('12f092525742400daa7c5f7b5241be0f',4,3,'plan','released.bad','success',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('12f092525742400daa7c5f7b5241be0f',5,3,'run','released.bad','error',NULL,'default',1,NULL,'','["ConnectionError","the mirror is away","Traceback (most recent call last):\n  File \"mcoflow/engine/calls.py\", line 63, in call\n    _enter(made, phase, event)\n  File \"mcoflow/engine/calls.py\", line 123, in _enter\n    cast(\"Any\", made).run()\n  File \"make.py\", line 20, in run\n    def run(self): raise ConnectionError(\"the mirror is away\")\n                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\nConnectionError: the mirror is away\n","pause"]',NULL,1.79525684360843205454e+09,1.79525684362269401551e+09,9.31448998017003759741e-04);
INSERT INTO "steps" VALUES('12f092525742400daa7c5f7b5241be0f',6,4,'plan','released.reads','success',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('12f092525742400daa7c5f7b5241be0f',7,4,'run','released.reads','pending',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('12f092525742400daa7c5f7b5241be0f',8,4,'finalize','released.reads','pending',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('1e3d6ce26e04416b92fd05c8b608eccb',1,1,'plan','released.sleeps','success',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('1e3d6ce26e04416b92fd05c8b608eccb',2,1,'run','released.sleeps','suspended',NULL,'default',1,NULL,'',NULL,NULL,1.79525684361409592626e+09,NULL,1.00550998467952013015e-04);
INSERT INTO "steps" VALUES('46fe7985de944349867e80f9a3c56949',1,1,'plan','released.reads','success',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('46fe7985de944349867e80f9a3c56949',2,1,'run','released.reads','pending',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('46fe7985de944349867e80f9a3c56949',3,1,'finalize','released.reads','pending',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('55afdb1248f149429e5bb10d582ec181',1,1,'plan','released.good','success',NULL,'default',1,NULL,'',NULL,NULL,NULL,NULL,0.0);
INSERT INTO "steps" VALUES('55afdb1248f149429e5bb10d582ec181',2,1,'run','released.good','success',NULL,'default',1,NULL,'',NULL,NULL,1795256843.62603,1.79525684363638305665e+09,1.14071001007687300443e-04);
CREATE TABLE timers (
	id CHAR(32) NOT NULL, 
	plan_id CHAR(32) NOT NULL, 
	step_id INTEGER NOT NULL, 
	due_at DOUBLE NOT NULL, 
	kind TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE worlds (
	id CHAR(32) NOT NULL, 
	kind TEXT NOT NULL, 
	token TEXT NOT NULL, 
	meta TEXT NOT NULL, 
	started_at DOUBLE NOT NULL, 
	seen_at DOUBLE NOT NULL, 
	expires_at DOUBLE NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX plans_newest ON plans (created_at, id);
CREATE INDEX plans_of_state ON plans (state, created_at, id);
CREATE INDEX plans_counted ON plans (state, result);
CREATE INDEX plans_unowned ON plans (owner, created_at, id) WHERE owner IS NULL AND state IN ('planned', 'running');
CREATE INDEX plans_owned ON plans (owner) WHERE owner IS NOT NULL;
CREATE INDEX requests_of_step ON requests (plan_id, step_id);
CREATE INDEX timers_of_plan ON timers (plan_id);
CREATE UNIQUE INDEX events_by_id ON events (id);
CREATE INDEX events_of_plan ON events (plan_id);
CREATE INDEX history_of_plan ON history (plan_id);
CREATE INDEX evidence_of_plan ON evidence (plan_id);
CREATE INDEX evidence_malformed ON evidence (number) WHERE why = 'malformed';
CREATE INDEX commands_waiting ON commands (at) WHERE result IS NULL;
COMMIT;
