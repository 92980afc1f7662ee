package notifier

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	netmail "net/mail"
	"os"
	"path/filepath"
)

// File is the channel that writes every message as an .eml file into a folder,
// where a mail program opens it. It is what duban does until a mail server is
// configured, and it needs no address.
type File struct {
	dir  string
	from *netmail.Address
}

// NewFile returns a channel that writes into dir, which is created if need be
// and readable by its owner only: the messages name people. A blank from is
// duban@localhost.
func NewFile(dir, from string) (*File, error) {
	if from == "" {
		from = "duban@localhost"
	}
	sender, err := parseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("发件地址 %q 无效：%w", from, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("无法建立邮件目录：%w", err)
	}
	return &File{dir: dir, from: sender}, nil
}

// Send writes the message and returns the file's name. The name follows from
// the message, so a repeat replaces the file. The file appears complete or not
// at all, and is on the disk when Send returns.
func (f *File) Send(ctx context.Context, m Message) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", &SendError{Class: Retry, Code: "cancelled", Local: true, Err: err}
	}
	msg, _, err := compose(m, f.from)
	if err != nil {
		return "", err
	}
	name := m.Key + ".eml"
	if err := f.write(name, func(file *os.File) error {
		_, err := msg.WriteTo(file)
		return err
	}); err != nil {
		return "", &SendError{Class: Down, Code: "file_write", Detail: cause(err), Err: err}
	}
	return name, nil
}

func (f *File) write(name string, content func(*os.File) error) (err error) {
	tmp, err := os.CreateTemp(f.dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // what is left is rubbish; the first error is the one that counts
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
		}
	}()
	if err := content(tmp); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), filepath.Join(f.dir, name)); err != nil {
		return err
	}
	return syncDir(f.dir)
}

// syncDir makes the rename itself survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the administrator names the directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// cause returns why a file operation failed, "no space left on device",
// without the path that it failed on.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err.Error()
	}
	return ""
}

// Close does nothing: no file stays open.
func (f *File) Close() error { return nil }
