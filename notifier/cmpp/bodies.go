package cmpp

// Submit asks the gateway to send a message to telephones (CMPP_SUBMIT).
// What is not said here to be of one version is in both.
type Submit struct {
	MsgID              uint64 // 0: the gateway assigns it
	PkTotal            uint8  // 相同 Msg_Id 的信息总条数
	PkNumber           uint8  // 相同 Msg_Id 的信息序号, from 1
	RegisteredDelivery uint8  // 1: a report is wanted (是否要求返回状态确认报告)
	MsgLevel           uint8
	ServiceID          string // 业务标识, 10
	FeeUserType        uint8  // 计费用户类型
	FeeTerminalID      string // 被计费用户的号码
	FeeTerminalType    uint8  // 3.0
	TPPid              uint8
	TPUdhi             uint8  // 1: the content begins with a header (UDH)
	MsgFmt             uint8  // 信息格式, 8 is UCS-2
	MsgSrc             string // 信息内容来源 (SP_Id), 6
	FeeType            string // 资费类别, 2
	FeeCode            string // 资费代码, 6
	ValidTime          string // 存活有效期, 17
	AtTime             string // 定时发送时间, 17
	SrcID              string // 源号码, what the telephone shows as the sender, 21
	DestTerminalIDs    []string
	DestTerminalType   uint8 // 3.0
	Content            []byte
	LinkID             string // 点播业务使用的 LinkID in 3.0, 20; reserved in 2.0, 8
}

func (*Submit) command() uint32 { return cmdSubmit }

func (s *Submit) fields(c coder, v Version) {
	c.uint64(&s.MsgID)
	c.uint8(&s.PkTotal)
	c.uint8(&s.PkNumber)
	c.uint8(&s.RegisteredDelivery)
	c.uint8(&s.MsgLevel)
	c.text(&s.ServiceID, 10)
	c.uint8(&s.FeeUserType)
	c.text(&s.FeeTerminalID, v.terminalWidth())
	if v == V30 {
		c.uint8(&s.FeeTerminalType)
	}
	c.uint8(&s.TPPid)
	c.uint8(&s.TPUdhi)
	c.uint8(&s.MsgFmt)
	c.text(&s.MsgSrc, 6)
	c.text(&s.FeeType, 2)
	c.text(&s.FeeCode, 6)
	c.text(&s.ValidTime, 17)
	c.text(&s.AtTime, 17)
	c.text(&s.SrcID, 21)
	c.list(&s.DestTerminalIDs, v.terminalWidth())
	if v == V30 {
		c.uint8(&s.DestTerminalType)
	}
	c.block(&s.Content)
	c.text(&s.LinkID, v.tailWidth())
}

// SubmitResp is the gateway's answer to Submit. It has taken the message if
// the result is 0.
type SubmitResp struct {
	MsgID  uint64 // 信息标识, by which reports name the message
	Result uint32
}

func (*SubmitResp) command() uint32 { return cmdSubmit | answer }

func (r *SubmitResp) fields(c coder, v Version) {
	c.uint64(&r.MsgID)
	c.status(&r.Result, v)
}

// Deliver brings a message from a telephone, or a report (CMPP_DELIVER).
type Deliver struct {
	MsgID              uint64
	DestID             string // 目的号码, ours, 21
	ServiceID          string // 10
	TPPid              uint8
	TPUdhi             uint8
	MsgFmt             uint8
	SrcTerminalID      string
	SrcTerminalType    uint8 // 3.0
	RegisteredDelivery uint8 // 1: the content is a StatusReport (是否为状态报告)
	Content            []byte
	LinkID             string // 20 in 3.0; reserved in 2.0, 8
}

func (*Deliver) command() uint32 { return cmdDeliver }

func (d *Deliver) fields(c coder, v Version) {
	c.uint64(&d.MsgID)
	c.text(&d.DestID, 21)
	c.text(&d.ServiceID, 10)
	c.uint8(&d.TPPid)
	c.uint8(&d.TPUdhi)
	c.uint8(&d.MsgFmt)
	c.text(&d.SrcTerminalID, v.terminalWidth())
	if v == V30 {
		c.uint8(&d.SrcTerminalType)
	}
	c.uint8(&d.RegisteredDelivery)
	c.block(&d.Content)
	c.text(&d.LinkID, v.tailWidth())
}

// DeliverResp is our answer to Deliver. Without it the gateway delivers again.
type DeliverResp struct {
	MsgID  uint64
	Result uint32
}

func (*DeliverResp) command() uint32 { return cmdDeliver | answer }

func (r *DeliverResp) fields(c coder, v Version) {
	c.uint64(&r.MsgID)
	c.status(&r.Result, v)
}

// ActiveTest asks whether the other side is still there (链路检测).
type ActiveTest struct{}

func (*ActiveTest) command() uint32       { return cmdActiveTest }
func (*ActiveTest) fields(coder, Version) {}

// ActiveTestResp is the answer to ActiveTest.
type ActiveTestResp struct{ Reserved uint8 }

func (*ActiveTestResp) command() uint32 { return cmdActiveTest | answer }

func (r *ActiveTestResp) fields(c coder, _ Version) { c.uint8(&r.Reserved) }

// Terminate ends a connection (拆除连接).
type Terminate struct{}

func (*Terminate) command() uint32       { return cmdTerminate }
func (*Terminate) fields(coder, Version) {}

// TerminateResp is the answer to Terminate, the last packet of a connection.
type TerminateResp struct{}

func (*TerminateResp) command() uint32       { return cmdTerminate | answer }
func (*TerminateResp) fields(coder, Version) {}

// StatusReport is the content of a Deliver that tells what became of a
// message (状态报告).
type StatusReport struct {
	MsgID          uint64 // of the SubmitResp
	Stat           string // 7, DELIVRD if all is well
	SubmitTime     string // YYMMDDHHMM
	DoneTime       string // YYMMDDHHMM
	DestTerminalID string
	SMSCSequence   uint32
}

func (r *StatusReport) fields(c coder, terminalWidth int) {
	c.uint64(&r.MsgID)
	c.text(&r.Stat, 7)
	c.text(&r.SubmitTime, 10)
	c.text(&r.DoneTime, 10)
	c.text(&r.DestTerminalID, terminalWidth)
	c.uint32(&r.SMSCSequence)
}

// EncodeReport returns the report as the content of a Deliver.
func (v Version) EncodeReport(r StatusReport) ([]byte, error) {
	var e encoder
	r.fields(&e, v.terminalWidth())
	return e.buf, e.err
}

// shortReport is the length of a report of version 2.0.
const shortReport = 60

// DecodeReport reads the content of a Deliver. There are gateways of version
// 3.0 whose reports are still those of 2.0; the lengths tell them apart.
func (v Version) DecodeReport(content []byte) (StatusReport, error) {
	width := v.terminalWidth()
	if len(content) == shortReport {
		width = V20.terminalWidth()
	}
	var r StatusReport
	d := &decoder{rest: content}
	r.fields(d, width)
	return r, d.end()
}
